"""The words an upgrade is told in, before and after. Prints; decides nothing."""

import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from mcp_local.load import Stack
from mcp_playbook.upgrade import backup, kit_version, state
from mcp_playbook.upgrade.look import Look
from mcp_playbook.upgrade.state import Upgrade

MOST = 40  # lines of one part
WIDTH = 100
STACK = {"well": "runs and is well", "none": "was never started, so there is no data to keep"}


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def show(found: Look, stack: Stack) -> None:
    """Everything that was found out, problems last."""
    say(f"{found.to} of the kit, into a clone of {found.since or 'an unknown version'}")
    if found.signature is not None:
        say(f"Its signature: {found.signature}")
    say(f"\nThe stack {STACK.get(found.stack, found.stack)}.")
    if found.ledger:
        say(f"The ledger: {found.ledger}")
    if found.stack == "well":
        _kept(stack)
    _changed(found)
    part("What the kit says is new (CHANGELOG.md)", found.said)
    _foreseen(found)
    if found.merged is not None:
        part("Both changed these; your side stays, as they are yours", found.merged.kept)
        part("Removed here, and they stay away", found.merged.away)
    part("In the way", found.problems, limit=None)


def _kept(stack: Stack) -> None:
    here = stack.here
    backups = short(backup.folder_of(here).parent, stack)
    say(f"A backup goes to {backups}/<date>, without the keys and passwords in")
    say(f"{short(here.secrets, stack)}. Keep a copy of these apart from it:")
    every = ", ".join(key.name for key in backup.keys_of(here))
    for line in textwrap.wrap(every, WIDTH, break_on_hyphens=False):
        say(f"  {line}")


def short(path: Path, stack: Stack) -> str:
    """From the clone, where it lies in it."""
    root = stack.here.root
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _changed(found: Look) -> None:
    if found.changes is None:
        return
    kit, shared = found.changes.kit, found.changes.shared
    title = f"Kit files changed here since {found.since}"
    part(title if kit else f"{title}: none", (f"{one.how:<8} {one.path}" for one in kit))
    part("Shared files changed here", (f"{one.how:<8} {one.path}" for one in shared))


def _foreseen(found: Look) -> None:
    seen = found.preview
    if seen.rights:
        title = f"Rights and limits that change: policy {seen.policy_before} → {seen.policy_after}"
        part(title, seen.rights, limit=None)
    elif seen.policy_after:
        say(f"\nNo right and no limit of the policy changes (policy {seen.policy_after}).")
    part("Settings that change", seen.settings, limit=None)
    part("Tool definitions that change: agents will read these", seen.tools, limit=None)
    every = [str(one) for one in found.migrations]
    part("Migrations, run by themselves when the stack starts", every)


def part(title: str, lines: Iterable[str], limit: int | None = MOST) -> None:
    """A heading and its lines; nothing for none, unless the heading says so itself."""
    every = list(lines)
    if title and (every or title.endswith("none")):
        say(f"\n{title}")
    for line in every[:limit]:
        say(f"  {line}")
    if limit is not None and len(every) > limit:
        say(f"  … and {len(every) - limit} more")


def how_to_solve(found: Look, stack: Stack) -> str:
    assert found.merged is not None  # noqa: S101  there is a conflict
    folder = short(found.merged.folder, stack)
    return (
        f"Nothing was moved. The merge waits in {folder}: solve the conflicts there, `git add` the "
        "files, and run the same command again. To give it up: "
        f"git worktree remove --force '{folder}'"
    )


def how_back(stack: Stack, upgrade: Upgrade) -> str:
    """From an upgrade whose end is not as it should be."""
    lines = ["", "To go on, mend what is named above and run the same command again. To go back:"]
    saved = short(Path(upgrade.backup), stack)
    lines.append("  make down")
    if upgrade.backup and upgrade.migrations:
        lines.append(f"  .venv/bin/python -m mcp_playbook.upgrade --restore '{saved}'")
    lines.append(f"  git reset --keep {upgrade.before[: kit_version.SHORT]}")
    lines.append("  make up")
    if upgrade.backup and upgrade.migrations:
        lines.append(
            "The restore is needed because migrations ran. It takes the ledger back to the backup: "
            "what was recorded since is then in a second dump, and its receipts name records that "
            "are gone."
        )
    elif upgrade.backup:
        lines.append(f"No migration ran, so the data stays as it is. The backup: {saved}")
    lines.append(f"Where it stands: {short(state.folder(stack.here.run) / 'state.json', stack)}")
    return "\n".join(lines)
