"""What lies between two versions, from git: the kit's words, and the migrations ahead."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mcp_playbook.upgrade.git import Git

CHANGELOG = "CHANGELOG.md"
# run by themselves when the stack starts, in the order of their numbers
NUMBERED = ("*/migrations/*", "infra/postgres/*.sql")
REPEATED = ("*/migrate.py", "*/migrations/env.py", "*/migrations/__init__.py")


@dataclass(frozen=True)
class Migration:
    path: str
    how: str

    @property
    def doubtful(self) -> bool:
        """A numbered file that was applied is not applied again: changing it changes nothing."""
        return self.how != "new" and not _like(self.path, REPEATED)


def said(git: Git, before: str, after: str) -> list[str]:
    """Lines of the changelog that the version before does not have, under their headings."""
    old = set((git.file(before, CHANGELOG) or "").splitlines())
    lines: list[str] = []
    headings: list[str] = []
    for line in (git.file(after, CHANGELOG) or "").splitlines():
        if re.match(r"##+ ", line):
            headings = [one for one in headings if _depth(one) < _depth(line)] + [line]
        elif line.strip() and line not in old:
            lines += [*headings, line]
            headings = []
    return lines


def _depth(heading: str) -> int:
    return len(heading) - len(heading.lstrip("#"))


def migrations(git: Git, before: str, after: str) -> list[Migration]:
    parts = git.names("diff", "--name-status", "--no-renames", "-z", before, after)
    how = {"A": "new", "D": "removed"}
    return [
        Migration(path, how.get(letter, "changed"))
        for letter, path in zip(parts[::2], parts[1::2], strict=True)
        if _like(path, NUMBERED) or _like(path, REPEATED)
    ]


def _like(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
