"""Reads the retention table of the discount policy. Pure: no clock, no network, no state."""

import re
from dataclasses import dataclass

_ROW = re.compile(r"^\|([^|]+)\|([^|]+)\|([^|]+)\|$", re.MULTILINE)
_BELOW = re.compile(r"^below (\d+) %$")
_BETWEEN = re.compile(r"^(\d+) % to below (\d+) %$")
_FROM = re.compile(r"^(\d+) % or more$")


@dataclass(frozen=True)
class Step:
    """From `low` to below `high` percent of decline: what is allowed, and who approves it."""

    low: float
    high: float
    discount: str
    approved_by: str


def steps(markdown: str) -> list[Step]:
    """The steps of the first table whose first column speaks of a decline; empty when none does."""
    found = []
    for decline, discount, approved_by in _ROW.findall(markdown):
        span = _span(decline.strip())
        if span is not None:
            found.append(Step(*span, discount.strip(), approved_by.strip()))
    return found


def step_for(decline_percent: float, known: list[Step]) -> Step | None:
    return next((step for step in known if step.low <= decline_percent < step.high), None)


def _span(text: str) -> tuple[float, float] | None:
    if match := _BELOW.match(text):
        return 0.0, float(match[1])
    if match := _BETWEEN.match(text):
        return float(match[1]), float(match[2])
    if match := _FROM.match(text):
        return float(match[1]), float("inf")
    return None
