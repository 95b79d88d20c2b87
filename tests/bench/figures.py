"""Rounds become one figure each: the median, with the range.

Pure: no clock, no network, no state.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    median: float
    low: float
    high: float

    def shown(self, digits: int = 3) -> str:
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


def figure(values: Iterable[float]) -> Figure:
    found = sorted(values)
    return Figure(statistics.median(found), found[0], found[-1])


def ratio(above: Sequence[float], below: Sequence[float]) -> Figure:
    """Of two that were measured in turn: each round's own ratio, so that slow drift cancels out."""
    return figure(a / b for a, b in zip(above, below, strict=True))


def percentile(ordered: Sequence[float], part: float) -> float:
    """Of values in order; the nearest rank."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
