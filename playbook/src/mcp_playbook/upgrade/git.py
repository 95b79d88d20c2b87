"""The git commands that an upgrade uses, on one work tree. Never pushes, never rewrites."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

# set while git runs a hook: they would point every command at that repository
FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
# what is under way when git keeps one of these
UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
}


class GitError(RuntimeError):
    """git refused; the message holds its own words."""


@dataclass(frozen=True)
class Git:
    root: Path

    def run(self, *words: str, ok: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        env = {key: value for key, value in os.environ.items() if key not in FOREIGN}
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *words],
            cwd=self.root, env={**env, "LC_ALL": "C"}, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode not in ok:
            told = (done.stderr or done.stdout).strip()
            raise GitError(f"git {' '.join(words[:3])} failed:\n{told}")
        return done

    def text(self, *words: str) -> str:
        return self.run(*words).stdout.strip()

    def names(self, *words: str) -> list[str]:
        """Of a command with -z: its parts."""
        return [name for name in self.run(*words).stdout.split("\0") if name]

    def commit(self, ref: str) -> str | None:
        """The commit a name leads to, or None."""
        if ref.startswith("-"):
            return None
        done = self.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", ok=(0, 1, 128))
        return done.stdout.strip() or None

    def file(self, ref: str, path: str) -> str | None:
        done = self.run("show", f"{ref}:{path}", ok=(0, 128))
        return done.stdout if done.returncode == 0 else None

    def holds(self, later: str, earlier: str) -> bool:
        """Whether `earlier` is in the history of `later`."""
        return self.run("merge-base", "--is-ancestor", earlier, later, ok=(0, 1)).returncode == 0

    def common(self, one: str, other: str) -> str | None:
        """The newest commit in both histories."""
        return self.run("merge-base", one, other, ok=(0, 1)).stdout.strip() or None

    def below(self, ref: str, folder: str) -> list[str]:
        return self.names("ls-tree", "-r", "-z", "--name-only", ref, "--", f"{folder}/")

    def is_top(self) -> bool:
        """Whether this folder is the whole repository, not a part of a larger one."""
        return Path(self.text("rev-parse", "--show-toplevel")).resolve() == self.root.resolve()

    def signature(self, tag: str) -> str | None:
        """What git says of a tag's signature; None for what is no annotated tag."""
        if self.run("cat-file", "-t", f"refs/tags/{tag}", ok=(0, 128)).stdout.strip() != "tag":
            return None
        done = self.run("verify-tag", tag, ok=(0, 1, 128))
        told = (done.stderr or done.stdout).strip().splitlines()
        return ("good: " if done.returncode == 0 else "not verified: ") + (told[0] if told else "")

    def branch(self) -> str | None:
        """None when HEAD is detached: a commit made then belongs to no branch."""
        return (
            self.run("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1)).stdout.strip() or None
        )

    def under_way(self) -> str | None:
        for name, what in UNDER_WAY.items():
            if (self.root / self.text("rev-parse", "--git-path", name)).exists():
                return what
        return None

    def dirt(self) -> list[str]:
        """Changed files that git knows; untracked ones do not hinder a merge by themselves."""
        return self.names("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")

    def shallow(self) -> bool:
        return self.text("rev-parse", "--is-shallow-repository") == "true"
