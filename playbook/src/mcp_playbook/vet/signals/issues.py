"""How soon a maintainer answers: the median time to the first comment, open issues censored.

An issue nobody has answered yet says that the answer takes at least so long; leaving it out would
flatter, and counting its age as the answer would do so too (Kaplan-Meier does neither).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_playbook.vet.record import Record
from mcp_playbook.vet.rubric import MAXIMA, Part, Signal, known, unknown
from mcp_playbook.vet.steps import ASK_ISSUES

NAME = "issue response"
WINDOW = timedelta(days=180)
FEWEST = 5
# answered within so many days → points; ours, no study behind them
STEPS = ((2.0, 15.0), (7.0, 11.0), (14.0, 8.0), (30.0, 4.0))
LONGEST_DAYS = STEPS[-1][0]
_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Wait:
    days: float
    answered: bool


def signal(record: Record) -> Signal:
    return Signal(NAME, (_part(record),))


def _part(record: Record) -> Part:
    maximum = MAXIMA[NAME]
    source = record.get("issues")
    if source is None:
        why = record.why("issues", "no issues were recorded")
        return unknown(NAME, maximum, why, do=ASK_ISSUES)
    waits = waited(source.data, source.fetched)
    if len(waits) < FEWEST:
        why = f"{len(waits)} issues by outsiders in {WINDOW.days} days, {FEWEST} are needed"
        return unknown(NAME, maximum, why, do="ask the maintainers something, and see")
    median = median_days(waits)
    answered = sum(wait.answered for wait in waits)
    told = f"{answered} of {len(waits)} issues of {WINDOW.days} days answered by a maintainer"
    if median is not None:
        points = next((p for days, p in STEPS if median <= days), 0.0)
        return known(NAME, maximum, points, f"{told}, median {median:.1f} days", source)
    longest = max(wait.days for wait in waits)
    if longest > LONGEST_DAYS:
        return known(NAME, maximum, 0.0, f"{told}, median above {LONGEST_DAYS:.0f} days", source)
    why = f"{told}, the oldest is {longest:.0f} days old: too young to tell"
    return unknown(NAME, maximum, why, do="record the issues again in a month")


def waited(issues: Sequence[dict[str, str | None]], now: datetime) -> list[Wait]:
    """How long each issue of the window waited, until answered, closed or looked at."""
    found = []
    for issue in issues:
        opened, answered, closed = (
            datetime.fromisoformat(text) if (text := issue.get(key)) else None
            for key in ("opened", "answered", "closed")
        )
        if opened is None or not now - WINDOW <= opened <= now:
            continue
        seen = answered is not None and answered <= now
        end = min(moment for moment in (answered, closed, now) if moment is not None)
        found.append(Wait((end - opened).total_seconds() / _SECONDS, seen and end == answered))
    return found


def median_days(waits: Sequence[Wait]) -> float | None:
    """The Kaplan-Meier median; None when half were not answered as far as one can see."""
    waiting = 1.0
    for days in sorted({wait.days for wait in waits if wait.answered}):
        at_risk = sum(wait.days >= days for wait in waits)
        waiting *= 1 - sum(wait.answered and wait.days == days for wait in waits) / at_risk
        if waiting <= 0.5 + 1e-9:
            return days
    return None
