"""The upgrade as a story: look, back up, stop, move, install, start, compare; resumed anywhere."""

import asyncio
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from mcp_local.load import Stack
from mcp_local.lock import held
from mcp_local.place import prepare
from mcp_playbook.upgrade import backup, kit_version, merge, standing, state, words
from mcp_playbook.upgrade.after import after
from mcp_playbook.upgrade.backup import BackupError
from mcp_playbook.upgrade.git import Git, GitError
from mcp_playbook.upgrade.look import Look, UsageError, look
from mcp_playbook.upgrade.state import Upgrade

DONE, NOT_DONE, UNUSABLE = 0, 1, 2  # exit codes
STOPPED_BY_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # of the make that runs this command


def check(stack: Stack, git: Git, to: str, since: str | None) -> int:
    """Say what would happen. The merge made for it is removed, unless it holds a person's work."""
    prepare(stack.here)
    with held(stack.here.run / "upgrade.lock"):
        found = _look(stack, git, to, since, keep_conflicts=False)
    if found.problems:
        words.complain("\nIt would not be taken like this. Nothing was moved.")
        return NOT_DONE
    if not found.nothing_to_take:
        words.say(f"\nNothing was moved. To take it: make upgrade TO={to}{_rights(found)}")
    return DONE


def upgrade(stack: Stack, git: Git, to: str, since: str | None, rights: str | None) -> int:
    prepare(stack.here)
    run = stack.here.run
    with held(run / "upgrade.lock"):
        waiting = _waiting(git, run, to)
        if waiting is not None:
            words.say(f"Going on with {waiting.name}, which was moved to and not finished.")
            _mcp_local(stack, "down")  # what runs may have started before something was mended
            return _new_version(stack, waiting)
        found = _look(stack, git, to, since, keep_conflicts=True)
        if found.nothing_to_take:
            return DONE
        if (refusal := _refusal(found, stack, to, rights)) is not None:
            words.complain(f"\n{refusal}")
            return NOT_DONE
        assert found.merged is not None  # noqa: S101  or it was refused
        assert found.merged.commit is not None  # noqa: S101
        return _move(stack, git, found, to, found.merged.commit)


def _look(stack: Stack, git: Git, to: str, since: str | None, *, keep_conflicts: bool) -> Look:
    """Keeps the merge's work tree only where a person has solved, or must solve, conflicts."""
    tree = state.tree(stack.here.run)
    waited = tree.exists()
    found = look(stack, git, to, since)
    if found.nothing_to_take:
        words.say(f"This clone, from {found.since}, has {found.to} already: nothing to take.")
        return found
    words.show(found, stack)
    conflicts = found.merged is not None and found.merged.conflicts
    if not waited and not (conflicts and keep_conflicts):
        merge.discard(git, tree)
    return found


def _refusal(found: Look, stack: Stack, to: str, rights: str | None) -> str | None:
    """Why it is not taken, if it is not."""
    if found.merged is not None and found.merged.conflicts:
        return words.how_to_solve(found, stack)
    if found.problems:
        return "Nothing was moved."
    if found.preview.rights and rights != found.preview.policy_after:
        return (
            "Nothing was moved: rights and limits change (above). To take them with the version: "
            f"make upgrade TO={to}{_rights(found)}"
        )
    return None


def _rights(found: Look) -> str:
    return f" RIGHTS={found.preview.policy_after}" if found.preview.rights else ""


def _waiting(git: Git, run: Path, to: str) -> Upgrade | None:
    """An upgrade whose files have moved already; one that has not is begun anew."""
    stands = state.read(run)
    if stands is None:
        return None
    if not git.holds("HEAD", stands.after):
        if git.dirt():
            raise GitError(
                "The files were being moved when an upgrade was interrupted. The work tree was "
                f"clean before: git reset --hard {stands.before[:10]} puts it back. Then run this "
                "again."
            )
        state.forget(run)
        return None
    if to != stands.to:
        raise UsageError(
            f"The upgrade to {stands.name} has moved the files and is not finished: make upgrade "
            f"TO={stands.to} goes on with it, or goes back with what it then says."
        )
    return stands


def _move(stack: Stack, git: Git, found: Look, to: str, commit: str) -> int:
    begun = Upgrade(
        to=to,
        name=str(found.to),
        before=git.text("rev-parse", "HEAD"),
        after=commit,
        running=found.stack == "well",
        policy_before=found.preview.policy_before,
        policy_after=found.preview.policy_after,
        rights=found.preview.rights,
        migrations=[one.path for one in found.migrations if not one.of_sample],
    )
    if git.names("diff", "--name-only", "-z", begun.before, commit) == [kit_version.FILE]:
        git.run("merge", "--ff-only", "--quiet", commit)
        words.say(f"\nRecorded in {kit_version.FILE}: this clone is from {found.to}.")
        return DONE
    words.say()
    if begun.running:
        try:
            begun.standing = asdict(standing.taken(stack))
            begun.backup = str(_backed_up(stack, begun.before))
        except BackupError as error:
            raise BackupError(f"{error}\nNothing was moved.") from error
    state.write(stack.here.run, begun)
    if begun.running:
        words.say("Stopping the stack.")
        _mcp_local(stack, "down")
    try:
        git.run("merge", "--ff-only", "--quiet", commit)
    except GitError:
        state.forget(stack.here.run)
        if begun.running:
            words.complain("The files did not move; the stack is started again as it was.")
            _mcp_local(stack, "up", "--no-calls")
        raise
    begun.step = "moved"
    state.write(stack.here.run, begun)
    merge.discard(git, state.tree(stack.here.run))
    words.say(f"The files are those of {found.to}, at commit {commit[:10]}.")
    return _new_version(stack, begun)


def _backed_up(stack: Stack, commit: str) -> Path:
    filler = stack.filler()
    found = asyncio.run(backup.names(filler))
    made = backup.make(filler, found, backup.folder_of(stack.here), commit)
    size = made.size / 1_000_000
    words.say(f"Backup of {', '.join(found)}: {words.short(made.folder, stack)} ({size:.1f} MB).")
    words.say("`make clean` removes it with everything else in .run: copy it elsewhere.")
    return made.folder


def _new_version(stack: Stack, upgrade: Upgrade) -> int:
    """Install what it needs, then hand over to its own code."""
    root = stack.here.root
    if Path(sys.prefix).resolve() == (root / ".venv").resolve():
        words.say("Installing what it needs.")
        env = {key: value for key, value in os.environ.items() if key not in STOPPED_BY_MAKE}
        if (
            subprocess.run(["make", "-s", "install"], cwd=root, env=env, check=False).returncode
            != 0
        ):
            words.complain("The environment could not be made.\n" + words.how_back(stack, upgrade))
            return NOT_DONE
    else:
        words.say(f"This Python is not of {root / '.venv'}: nothing is installed into it.")
    if not upgrade.running:
        return _finished(stack, upgrade)
    command = [sys.executable, "-m", "mcp_playbook.upgrade", "--after"]
    return subprocess.run(command, cwd=root, check=False).returncode


def finish(stack: Stack, git: Git) -> int:
    """By the new version's code: `--after`, called by `upgrade` alone."""
    stands = state.read(stack.here.run)
    if stands is None or not git.holds("HEAD", stands.after):
        raise UsageError("No upgrade waits to be finished here.")
    return _finished(stack, stands)


def _finished(stack: Stack, upgrade: Upgrade) -> int:
    problems = after(stack, upgrade, lambda: _mcp_local(stack, "up", "--no-calls"))
    if problems:
        words.part("Not as it should be", problems, limit=None)
        words.complain(words.how_back(stack, upgrade))
        return NOT_DONE
    report = state.finish(stack.here.run, upgrade)
    words.say(f"\nDone: this clone has {upgrade.name}. The report: {words.short(report, stack)}")
    return DONE


def _mcp_local(stack: Stack, *command: str) -> str | None:
    """Its last words when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "mcp_local", *command],
        cwd=stack.here.root, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip()[-3000:]
