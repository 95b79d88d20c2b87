"""Whose records a person reaches: everyone's, their team's, their own, or nobody's. Pure.

Which it is stands in policy.yaml, by role; the widest of a person's roles counts. The CRM knows
who is in which team. A record without an owner belongs to nobody: only who reaches all sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_crm.hubspot.records import Colleague, Record
from mcp_shared.faults import Unavailable

OWNER = "hubspot_owner_id"
MAX_VALUES = 100  # of one IN
MAX_GROUPS, MAX_FILTERS = 5, 18  # of one search, the strictest the vendor documents


@dataclass(frozen=True, slots=True)
class Sight:
    owners: frozenset[str] | None  # by id; None is everyone, with and without an owner

    @property
    def nothing(self) -> bool:
        return self.owners is not None and not self.owners

    def covers(self, one: Record) -> bool:
        return self.owners is None or one.text(OWNER) in self.owners

    def covers_owner(self, owner_id: str) -> bool:
        return self.owners is None or owner_id in self.owners

    def groups(self, filters: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
        """Filter groups of a search that finds nothing beyond this.

        Raises:
            Unavailable: a team so large that one search cannot name it.

        """
        if self.owners is None:
            return [{"filters": list(filters)}] if filters else []
        names = sorted(self.owners)
        parts = [names[at : at + MAX_VALUES] for at in range(0, len(names), MAX_VALUES)]
        if len(parts) > MAX_GROUPS or len(parts) * (len(filters) + 1) > MAX_FILTERS:
            raise Unavailable(
                "Too many colleagues share a team for one search.",
                instead="Name one salesperson as owner, or one account.",
            )
        return [
            {"filters": [*filters, {"propertyName": OWNER, "operator": "IN", "values": part}]}
            for part in parts
        ]


def sight(reach: frozenset[str], own_id: str | None, colleagues: Mapping[str, Colleague]) -> Sight:
    """`reach` is what policy.yaml says of the person's roles; `own_id` is theirs in the CRM."""
    if "all" in reach:
        return Sight(None)
    if own_id is None:  # neither an own record nor a team
        return Sight(frozenset())
    if "team" in reach:
        mine = colleagues[own_id].teams
        return Sight(frozenset({own_id, *(n for n, one in colleagues.items() if one.teams & mine)}))
    return Sight(frozenset({own_id}) if "own" in reach else frozenset())
