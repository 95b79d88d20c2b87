"""Whose rows a person may see: from their groups to regions. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from mcp_shared.faults import Denied

Region = Literal["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]
REGIONS: tuple[Region, ...] = get_args(Region)
PREFIX = "region-"
EVERY = "region-all"


def group_of(region: Region) -> str:
    return PREFIX + region.lower().replace(" ", "-")


_REGION_OF = {group_of(region): region for region in REGIONS}


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions a person may read; never empty. Made only by `regions_of`."""

    names: tuple[Region, ...]
    every: bool

    @property
    def setting(self) -> str:
        """The value of `app.regions`: constants of this file, never a text from outside."""
        return "all" if self.every else ",".join(self.names)

    def narrowed(self, wanted: Region | None) -> None:
        """Check a filter against the rights.

        Raises:
            Denied: when it asks for a region that is not among them.

        """
        if wanted is not None and not self.every and wanted not in self.names:
            raise Denied(
                f"You have no access to the figures of {wanted}.",
                instead=f"Ask about {' or '.join(self.names)}, or ask your administrator for the "
                f"group {group_of(wanted)}.",
            )


def regions_of(groups: Iterable[str]) -> Regions:
    """The regions that these groups open; groups of other kinds are passed over.

    Raises:
        Denied: when there are none.

    """
    held = frozenset(groups)
    if EVERY in held:
        return Regions(REGIONS, every=True)
    names = tuple(region for group, region in _REGION_OF.items() if group in held)
    if not names:
        raise Denied(
            "You are in no region group, so the warehouse has no rows for you.",
            instead=f"Ask your administrator for a group such as {group_of('EUROPE')} or {EVERY}.",
        )
    return Regions(names, every=False)
