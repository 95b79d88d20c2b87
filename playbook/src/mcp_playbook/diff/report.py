"""The differences of servers as a person reads them, and as a program does.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcp_playbook.diff.change import MEANING, Change, Weight


def lines(server: str, changes: Sequence[Change]) -> Iterator[str]:
    """By tool, what is worst first."""
    if not changes:
        yield f"{server}: nothing changed"
        return
    counts = {weight: sum(one.weight is weight for one in changes) for weight in Weight}
    told = ", ".join(f"{count} {weight}" for weight, count in counts.items() if count)
    yield f"{server}: {told}"
    for subject in dict.fromkeys(one.subject for one in changes):
        yield f"  {subject}"
        own = [one for one in changes if one.subject == subject]
        for weight in Weight:
            for one in (one for one in own if one.weight is weight):
                yield f"    {weight:<10}  {one.line()}"
                if one.marked:
                    yield f"                {one.marked}"


def legend(servers: Mapping[str, Sequence[Change]]) -> Iterator[str]:
    used = {one.weight for changes in servers.values() for one in changes}
    for weight in Weight:
        if weight in used:
            yield f"{weight}: {MEANING[weight]}"


def as_json(servers: Mapping[str, Sequence[Change]], before: str, after: str) -> dict[str, Any]:
    return {
        "before": before,
        "after": after,
        "breaking": any(is_breaking(changes) for changes in servers.values()),
        "servers": {
            server: [one.as_json() for one in changes] for server, changes in servers.items()
        },
    }


def is_breaking(changes: Sequence[Change]) -> bool:
    return any(one.weight is Weight.BREAKING for one in changes)
