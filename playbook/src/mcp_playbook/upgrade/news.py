"""What lies between two versions, from git: the kit's words, and the migrations ahead."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mcp_playbook.upgrade.git import Git

CHANGELOG = "CHANGELOG.md"
# run by themselves when the stack starts, in the order of their numbers
NUMBERED = ("*/migrations/*",)
REPEATED = ("*/migrate.py", "*/migrations/env.py", "*/migrations/__init__.py")
SAMPLE = ("infra/postgres/warehouse/*.sql",)


@dataclass(frozen=True)
class Migration:
    path: str
    how: str

    @property
    def of_sample(self) -> bool:
        """The sample's data is no one's: it is made anew, and again by who goes back."""
        return _like(self.path, SAMPLE)

    def __str__(self) -> str:
        note = ""
        if self.of_sample:
            note = "  (the sample's warehouse is built anew)"
        elif self.how != "new" and not _like(self.path, REPEATED):
            note = "  (numbered: where it was applied, it is not applied again)"
        return f"{self.how:<8} {self.path}{note}"


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
        if _like(path, NUMBERED + REPEATED + SAMPLE)
    ]


def _like(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
