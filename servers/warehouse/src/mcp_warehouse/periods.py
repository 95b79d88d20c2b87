"""Named periods as spans of days, counted back from the day the data is of. Pure: it has no clock.

`this_...` runs from the first day of the month, quarter or year to that day; its previous period is
the same number of days from the start of the one before.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Period = Literal[
    "last_30_days",
    "last_90_days",
    "last_12_months",
    "this_month",
    "last_month",
    "this_quarter",
    "last_quarter",
    "this_year",
    "last_year",
]

_DAY = timedelta(days=1)
_ROLLING = {"last_30_days": 30, "last_90_days": 90, "last_12_months": 365}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to the last day, both included."""

    first: date
    last: date

    @classmethod
    def of_days(cls, last: date, days: int) -> "Span":
        return cls(last - (days - 1) * _DAY, last)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def spans(period: Period, as_of: date) -> tuple[Span, Span]:
    """The period and the one to compare it with."""
    if days := _ROLLING.get(period):
        return Span.of_days(as_of, days), Span.of_days(as_of - days * _DAY, days)
    which, _, unit = period.partition("_")
    months = _MONTHS[unit]
    start = _start(as_of, months)
    before = _back(start, months)
    if which == "last":
        return Span(before, start - _DAY), Span(_back(before, months), before - _DAY)
    # a shorter month before: not beyond its end
    to_date = min(before + (as_of - start), start - _DAY)
    return Span(start, as_of), Span(before, to_date)


def _start(day: date, months: int) -> date:
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _back(first: date, months: int) -> date:
    count = first.year * 12 + first.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)
