"""Which files of the kit were changed in this clone. Reads files and git; changes nothing.

The work tree is compared with the version of the kit that the clone is from.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mcp_gateway.configuration.settings import ConfigError
from mcp_playbook.upgrade import kit_version, ownership
from mcp_playbook.upgrade.git import Git, GitError
from mcp_playbook.upgrade.kit_version import KitVersion, UnknownVersionError
from mcp_playbook.upgrade.ownership import Owner, Ownership

How = Literal["changed", "added", "removed"]
LETTERS: dict[str, How] = {"A": "added", "D": "removed"}


@dataclass(frozen=True)
class Change:
    path: str
    how: How
    owner: Owner | None


@dataclass(frozen=True)
class KitChanges:
    """What differs from `version`; or, without one, why nobody can tell."""

    version: KitVersion | None
    unknown: str = ""
    changes: tuple[Change, ...] = ()
    removed: tuple[str, ...] = ()  # removable folders that were taken away as a whole

    @property
    def kit(self) -> tuple[Change, ...]:
        """Of the kit's own files: what the next version may be in conflict with."""
        return self._of("kit", None)

    @property
    def shared(self) -> tuple[Change, ...]:
        return self._of("shared")

    def _of(self, *owners: Owner | None) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.owner in owners)


def kit_changes(root: Path) -> KitChanges:
    """Compare a clone with the version it is from; never raises for a clone that cannot tell."""
    git = Git(root)
    try:
        version = kit_version.of_clone(git)
        rules = ownership.read(root / ownership.FILE)
        return compared(git, version, rules)
    except (UnknownVersionError, GitError) as error:
        return KitChanges(None, str(error))
    except (OSError, tomllib.TOMLDecodeError, ConfigError) as error:
        return KitChanges(None, f"{ownership.FILE}: {error}")


def compared(git: Git, version: KitVersion, rules: Ownership) -> KitChanges:
    parts = git.names("diff", "--name-status", "--no-renames", "-z", version.commit, "--")
    removed = removed_folders(git, version.commit, "HEAD", rules)
    changes = [
        Change(path, LETTERS.get(letter, "changed"), rules.owner_of(path))
        for letter, path in zip(parts[::2], parts[1::2], strict=True)
        if rules.folder_of(path) not in removed
    ]
    return KitChanges(version, changes=tuple(changes), removed=removed)


def removed_folders(git: Git, before: str, after: str, rules: Ownership) -> tuple[str, ...]:
    """Removable folders that `before` has and `after` has nothing of."""
    return tuple(
        folder
        for folder in rules.removable
        if git.below(before, folder) and not git.below(after, folder)
    )
