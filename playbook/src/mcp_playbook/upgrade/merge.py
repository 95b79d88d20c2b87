"""The merge, made aside in a work tree of its own: the clone's files move only when it is whole.

Conflicts are settled for the clone's side in files that are its own; in all others a person
decides, in that work tree, and the next run goes on from there.
"""

import contextlib
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from mcp_gateway.configuration.settings import ConfigError
from mcp_playbook.upgrade import kit_version, ownership
from mcp_playbook.upgrade.git import Git, GitError
from mcp_playbook.upgrade.kit_changes import removed_folders
from mcp_playbook.upgrade.kit_version import KitVersion
from mcp_playbook.upgrade.ownership import Ownership

BASE, OURS, THEIRS = "1", "2", "3"  # git's stages of a conflict
HOW = {
    frozenset({BASE, OURS, THEIRS}): "both changed it",
    frozenset({OURS, THEIRS}): "both added it",
    frozenset({BASE, OURS}): "you changed it, the kit removed it",
    frozenset({BASE, THEIRS}): "you removed it, the kit changed it",
}


class MergeError(RuntimeError):
    """The merge cannot be begun; the message says what to do."""


@dataclass(frozen=True)
class Conflict:
    path: str
    owner: str
    how: str


@dataclass
class Merged:
    """What came of it; `commit` is None while a conflict waits for a person."""

    folder: Path
    commit: str | None = None
    kept: list[str] = field(default_factory=list)  # your side of files that are yours
    away: list[str] = field(default_factory=list)  # removed folders that stay away
    conflicts: list[Conflict] = field(default_factory=list)


def make(git: Git, folder: Path, to: KitVersion, tie: str | None = None) -> Merged:
    """Merge `to` into HEAD, aside. `tie`: the commit a clone without the kit's history is from.

    Raises:
        MergeError, GitError: it cannot be begun, or git refuses to commit it.

    """
    aside = Git(folder)
    if not _goes_on(git, folder, to):
        discard(git, folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        git.run("worktree", "add", "--quiet", "--detach", str(folder), "HEAD")
        if tie is not None:
            aside.run("merge", "-q", "-s", "ours", "--allow-unrelated-histories", "-m",
                      f"Tie the history of the kit, as of {tie[:10]}", tie)  # fmt: skip
        if not git.holds("HEAD", to.commit):
            done = aside.run("merge", "--no-ff", "--no-commit", to.commit, ok=(0, 1))
            if aside.commit("MERGE_HEAD") != to.commit:
                raise GitError(f"git merge failed:\n{(done.stdout + done.stderr).strip()}")
    before = git.common("HEAD", to.commit) or tie
    made = Merged(folder)
    rules = rules_of(git, folder, to.commit)
    if before is not None:
        _keep_away(aside, before, rules, made)
    _settle(aside, rules, made)
    made.conflicts += _half_solved(aside, git.text("rev-parse", "HEAD"), rules, made)
    if made.conflicts:
        return made
    (folder / kit_version.FILE).write_text(to.text(), "utf-8")
    aside.run("add", "--", kit_version.FILE)
    if aside.commit("MERGE_HEAD") or aside.dirt():
        # not your hooks: they are for your own work, and find no environment in this folder
        aside.run("commit", "--quiet", "--no-verify", "-m", f"Take {to.name} of the kit")
    made.commit = aside.commit("HEAD")
    return made


def discard(git: Git, folder: Path) -> None:
    """Remove the work tree of an attempt; the clone's own is never touched."""
    with contextlib.suppress(GitError):
        git.run("worktree", "remove", "--force", "--force", str(folder))
    shutil.rmtree(folder, ignore_errors=True)
    git.run("worktree", "prune")


def in_the_way(git: Git, commit: str) -> list[str]:
    """Untracked files where the merged version has files of its own."""
    added = git.names(
        "diff", "--name-only", "--no-renames", "--diff-filter=A", "-z", "HEAD", commit
    )
    return [path for path in added if (git.root / path).exists()]


def _goes_on(git: Git, folder: Path, to: KitVersion) -> bool:
    """Whether an earlier attempt of this very merge waits there with a person's work in it."""
    if not (folder / ".git").is_file():
        return False
    aside = Git(folder)
    try:
        ahead, taken = aside.commit("HEAD"), aside.commit("MERGE_HEAD")
    except GitError:
        return False  # of a clone that was moved, or pruned
    now = git.text("rev-parse", "HEAD")
    if ahead is None or (taken is None and ahead == now):
        return False
    # with its conflicts solved, and perhaps committed already
    if git.holds(ahead, now) and (taken == to.commit or git.holds(ahead, to.commit)):
        return True
    raise MergeError(
        f"{folder} holds a merge that was begun from another commit or for another version. If it "
        f"is of no use any more: git worktree remove --force {_quoted(folder)}"
    )


def rules_of(git: Git, folder: Path, to: str) -> Ownership:
    """As merged; where that is itself in conflict or missing, as the new version has them."""
    try:
        return ownership.read(folder / ownership.FILE)
    except (OSError, tomllib.TOMLDecodeError, ConfigError):
        text = git.file(to, ownership.FILE) or git.file("HEAD", ownership.FILE)
        if text is None:
            raise MergeError(
                f"Neither this clone nor that version has {ownership.FILE}, which says what is "
                "yours. Merge by hand: git merge"
            ) from None
        return ownership.compiled(text, Path(ownership.FILE))


def _keep_away(aside: Git, before: str, rules: Ownership, made: Merged) -> None:
    for folder in removed_folders(aside, before, "HEAD", rules):
        if aside.names("ls-files", "-z", "--", f"{folder}/"):
            aside.run("rm", "-r", "-q", "-f", "--ignore-unmatch", "--", f"{folder}/")
        made.away.append(folder)


def _settle(aside: Git, rules: Ownership, made: Merged) -> None:
    stages: dict[str, set[str]] = {}
    for entry in aside.names("ls-files", "--unmerged", "-z"):
        facts, _, path = entry.partition("\t")
        stages.setdefault(path, set()).add(facts.split()[2])
    for path, found in sorted(stages.items()):
        owner = rules.owner_of(path)
        if owner == "yours" and found == {BASE, OURS, THEIRS}:
            aside.run("checkout", "--ours", "--", path)
            aside.run("add", "--", path)
            made.kept.append(path)
        elif owner == "yours" and found == {BASE, THEIRS}:
            aside.run("rm", "--quiet", "--", path)
            made.kept.append(path)
        else:
            how = HOW.get(frozenset(found), "renamed or moved")
            made.conflicts.append(Conflict(path, owner or "nobody's", how))


def _half_solved(aside: Git, before: str, rules: Ownership, made: Merged) -> list[Conflict]:
    """Files that were added to the index with git's marks still in them."""
    listed = aside.run("diff", "--check", before, ok=(0, 2)).stdout.splitlines()
    marked = {line.split(":")[0] for line in listed if line.endswith("leftover conflict marker")}
    open_ = {conflict.path for conflict in made.conflicts}
    return [
        Conflict(path, rules.owner_of(path) or "nobody's", "marks of the conflict are left in it")
        for path in sorted(marked - open_)
    ]


def _quoted(path: Path) -> str:
    return f"'{path}'" if " " in str(path) else str(path)
