"""Whether it is still released: when last, how often in a year, for how long.

Dates of a copy of the index that are not the publisher's own tell nothing, in either direction.
"""

from datetime import datetime, timedelta

from mcp_playbook.vet.record import Record, Source
from mcp_playbook.vet.rubric import Part, Signal, known, unknown
from mcp_playbook.vet.steps import ASK_PUBLISHER

NAME = "releases"
# the last release at most so many days ago → points; all of these are ours
RECENT = ((90, 5.0), (180, 3.0), (365, 1.0))
YEARLY = ((4, 3.0), (1, 2.0))
HISTORY_DAYS, HISTORY_POINTS = 180, 2.0
_PARTS = {
    "last release": RECENT[0][1],
    "releases in a year": YEARLY[0][1],
    "history": HISTORY_POINTS,
}


def signal(record: Record) -> Signal:
    source = record.get("registry")
    if source is None or not source.data["releases"]:
        return _unknown(
            record.why("registry", "no package index lists it"),
            "ask the publisher how versions are announced, and pin one",
        )
    if not source.data["dated"]:
        return _unknown(
            "this index is a copy whose dates are not the publisher's",
            ASK_PUBLISHER,
        )
    return Signal(NAME, tuple(_parts(source)))


def _unknown(why: str, do: str) -> Signal:
    return Signal(NAME, tuple(unknown(name, most, why, do=do) for name, most in _PARTS.items()))


def _parts(source: Source) -> list[Part]:
    dated = [
        (datetime.fromisoformat(one["time"]), one["version"])
        for one in source.data["releases"]
        if not one["yanked"]
    ]
    past = sorted(one for one in dated if one[0] <= source.fetched)
    withdrawn = len(source.data["releases"]) - len(dated)
    note = f", {withdrawn} withdrawn" if withdrawn else ""
    if not past:
        return [known(name, most, 0.0, f"none{note}", source) for name, most in _PARTS.items()]
    age = (source.fetched - past[-1][0]).days
    yearly = sum(at > source.fetched - timedelta(days=365) for at, _ in past)
    reaches = (source.fetched - past[0][0]).days
    return [
        known(
            "last release", RECENT[0][1], next((p for days, p in RECENT if age <= days), 0.0),
            f"{past[-1][1]}, {age} days before the fetch{note}", source,
        ),
        known(
            "releases in a year", YEARLY[0][1],
            next((p for least, p in YEARLY if yearly >= least), 0.0), f"{yearly}", source,
        ),
        known(
            "history", HISTORY_POINTS, HISTORY_POINTS if reaches >= HISTORY_DAYS else 0.0,
            f"first release {reaches} days before the fetch", source,
        ),
    ]  # fmt: skip
