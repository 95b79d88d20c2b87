"""The rubric's own words: a signal is made of parts, a part has points or is unknown.

Pure: no clock, no network, no state. An unknown part counts in neither the points nor what they are
out of; it lowers the confidence alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mcp_playbook.vet.record import Source
from mcp_playbook.vet.subject import Subject

TOTAL = 100.0

# signal → its most points; every part of a signal belongs to one of these
MAXIMA = {
    "commits": 20.0,
    "issue response": 15.0,
    "releases": 10.0,
    "descriptions": 20.0,
    "completion on your tasks": 25.0,
    "security and supply chain": 10.0,
}

State = Literal["clear", "found", "unknown"]


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    maximum: float
    points: float | None  # None: unknown
    value: str
    source: str = ""
    at: datetime | None = None
    next: str = ""  # what to find out, where it is unknown


@dataclass(frozen=True, slots=True)
class Signal:
    name: str
    parts: tuple[Part, ...]

    @property
    def maximum(self) -> float:
        return sum(part.maximum for part in self.parts)

    @property
    def known(self) -> float:
        """What the known parts are out of."""
        return sum(part.maximum for part in self.parts if part.points is not None)

    @property
    def points(self) -> float:
        return sum(part.points for part in self.parts if part.points is not None)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What no sum outweighs; `unknown` means nobody has looked, which is not `clear`."""

    name: str
    state: State
    value: str
    source: str = ""
    at: datetime | None = None
    next: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    subject: Subject
    date: datetime | None
    signals: tuple[Signal, ...]
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        return sum(signal.points for signal in self.signals)

    @property
    def known(self) -> float:
        return sum(signal.known for signal in self.signals)

    @property
    def score(self) -> float | None:
        """Out of 100, over what is known; None when nothing is."""
        return 100 * self.points / self.known if self.known else None

    @property
    def confidence(self) -> float:
        """The known share of the rubric, 0 to 1."""
        return self.known / TOTAL

    @property
    def bounds(self) -> tuple[float, float]:
        """The score if everything unknown turned out worst, and best."""
        return self.points, self.points + TOTAL - self.known

    def unknown(self) -> Sequence[tuple[Signal, Part]]:
        """Unknown parts, those worth most first."""
        found = [(s, part) for s in self.signals for part in s.parts if part.points is None]
        return sorted(found, key=lambda one: -one[1].maximum)


def known(name: str, maximum: float, points: float, value: str, source: Source) -> Part:
    return Part(name, maximum, points, value, source.source, source.fetched)


def unknown(name: str, maximum: float, why: str, *, do: str) -> Part:
    return Part(name, maximum, None, why, next=do)
