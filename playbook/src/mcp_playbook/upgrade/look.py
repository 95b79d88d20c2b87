"""What taking a version would mean, found out without moving anything but the merge made aside."""

import tomllib
from dataclasses import dataclass, field

from mcp_gateway.configuration.settings import ConfigError
from mcp_local import ledger_view
from mcp_local.load import Stack
from mcp_playbook.upgrade import kit_changes, kit_version, merge, news, preview, standing, state
from mcp_playbook.upgrade.git import Git
from mcp_playbook.upgrade.kit_changes import KitChanges
from mcp_playbook.upgrade.kit_version import KitVersion, UnknownVersionError
from mcp_playbook.upgrade.merge import Merged
from mcp_playbook.upgrade.news import Migration
from mcp_playbook.upgrade.preview import Preview

UNHAPPY: dict[standing.State, str] = {
    "unwell": "The stack runs and is not well: see `make ps` and `make doctor` first.",
    "stopped": "The stack is stopped, so its ledger cannot be verified: `make up` first.",
}


class UsageError(Exception):
    """The command cannot run as it was called; the message says what is missing."""


@dataclass
class Look:
    to: KitVersion
    since: KitVersion | None = None  # of this clone
    stack: standing.State = "none"
    signature: str | None = None  # of the tag, in git's words
    ledger: str = ""  # the verifier's words
    changes: KitChanges | None = None
    merged: Merged | None = None
    preview: Preview = field(default_factory=Preview)
    said: list[str] = field(default_factory=list)
    migrations: list[Migration] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    held_already: bool = False  # its history has that version

    @property
    def nothing_to_take(self) -> bool:
        """Its history has that version, and it is known to be from it or a later one."""
        if not self.held_already or self.since is None:
            return False
        return self.since.told_by == kit_version.FILE or self.since.commit != self.to.commit


def target(git: Git, ref: str) -> KitVersion:
    commit = kit_version.find(git, ref) if ref else None
    if commit is None:
        known = ", ".join(kit_version.tags(git)[:5]) or "none"
        has_remote = kit_version.REMOTE in git.text("remote").split()
        where = (
            "" if has_remote else " There is no remote called kit: git remote add kit <address>."
        )
        asked = f"{ref!r} is no tag and no commit here." if ref else "Name a version: TO=v0.2.0."
        raise UsageError(f"{asked} Versions here: {known}.{where}")
    return kit_version.of(git, ref, commit)


def insist_on_clone(git: Git) -> None:
    if not git.is_top():
        raise UsageError(
            f"{git.root} is a folder of a larger repository. The kit is taken by a merge, so it "
            "has to be a repository of its own; your servers may lie anywhere: playbook/upgrade.md"
        )


def look(stack: Stack, git: Git, to: str, since: str | None) -> Look:
    """Everything that can be known before.

    Raises:
        UsageError, MergeError, GitError: it cannot even be tried.

    """
    insist_on_clone(git)
    found = Look(target(git, to))
    found.signature = git.signature(to)
    found.problems += _work_tree(git)
    found.since = _since(git, since)
    found.held_already = git.holds("HEAD", found.to.commit)
    if found.nothing_to_take:
        return found
    common = git.common("HEAD", found.to.commit)
    if common is None and since is None:
        found.problems.append(
            "This clone and the kit have no commit in common (a copied folder, a template). Name "
            "the version it was made from, once: FROM=v0.1.0."
        )
        return found
    tie = found.since.commit if common is None and found.since else None
    found.merged = merge.make(git, state.tree(stack.here.run), found.to, tie)
    found.problems += [_conflict(one) for one in found.merged.conflicts]
    _compare(git, found, common or tie or "HEAD")
    if found.merged.commit is not None:
        _foresee(git, stack, found, found.merged.commit)
    _stack(stack, found)
    return found


def _work_tree(git: Git) -> list[str]:
    problems = []
    if (what := git.under_way()) is not None:
        problems.append(
            f"In this clone {what} is under way: finish or abort it first (git status)."
        )
    if git.branch() is None:
        problems.append(
            "HEAD is on no branch, so a merge would belong to none: git switch <branch>."
        )
    if dirt := git.dirt():
        names = ", ".join(entry[3:] for entry in dirt[:5])
        more = f" and {len(dirt) - 5} more" if len(dirt) > 5 else ""
        problems.append(f"Not committed: {names}{more}. Commit or stash it first.")
    return problems


def _since(git: Git, given: str | None) -> KitVersion | None:
    if given is not None:
        commit = kit_version.find(git, given)
        if commit is None:
            raise UsageError(f"{given!r} is no tag and no commit here, nor at the remote kit.")
        return kit_version.of(git, given, commit)
    try:
        return kit_version.of_clone(git)
    except UnknownVersionError:
        return None  # the merge knows where the two histories part


def _conflict(one: merge.Conflict) -> str:
    whose = {"kit": "a kit file", "shared": "a shared file", "yours": "a file of yours"}
    return f"Conflict in {one.path}, {whose.get(one.owner, 'of no owner')}: {one.how}."


def _compare(git: Git, found: Look, common: str) -> None:
    assert found.merged is not None  # noqa: S101  set by the caller
    rules = merge.rules_of(git, found.merged.folder, found.to.commit)
    since = found.since or KitVersion(common[: kit_version.SHORT], common, "the histories")
    found.since = since
    found.changes = kit_changes.compared(git, since, rules)


def _foresee(git: Git, stack: Stack, found: Look, commit: str) -> None:
    if ways := merge.in_the_way(git, commit):
        found.problems.append(f"Untracked files where that version has its own: {', '.join(ways)}.")
    found.said = news.said(git, "HEAD", commit)
    found.migrations = news.migrations(git, "HEAD", commit)
    found.preview = preview.of(stack.here.root, state.tree(stack.here.run))
    found.problems += found.preview.problems


def _stack(stack: Stack, found: Look) -> None:
    found.stack = standing.state(stack)
    if found.stack == "well":
        try:
            verified, found.ledger = ledger_view.verified(stack.filler())
        except (ConfigError, tomllib.TOMLDecodeError, LookupError, ValueError) as error:
            verified, found.ledger = "no", str(error)
        if verified != "yes":
            found.problems.append(
                f"The ledger does not verify, so nothing is moved: {found.ledger}"
            )
    elif found.stack in UNHAPPY:
        found.problems.append(UNHAPPY[found.stack])
