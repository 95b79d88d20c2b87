"""What a run finds out, in the shape in which it is kept as JSON.

Pure: no clock, no network, no state.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

BUDGET = 0.20  # CPU-ms of a call, at 8 and at 32 connections


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw; latencies in milliseconds."""

    requests: int
    seconds: float
    bytes: int
    failed: int
    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    sampled: int
    problems: tuple[str, ...] = ()

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True)
class Turn:
    """One subject, once."""

    subject: str
    connections: int
    load: Load
    cpu_seconds: float
    spans: int  # that reached the collector meanwhile
    yardstick: float  # CPU-ms of a fixed piece of work on the subject's core, right before
    busy: float  # the machine's load average at the end

    @property
    def cpu_ms(self) -> float:
        return self.cpu_seconds * 1000 / self.load.requests


@dataclass(frozen=True)
class Open:
    """Calls at a rate that does not wait for answers; latency from the moment each was due."""

    subject: str
    share: float  # of the knee
    rate: float  # asked for, per second
    answered: int
    failed: int
    unanswered: int
    seconds: float
    p50: float
    p90: float
    p99: float
    max: float

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


@dataclass(frozen=True)
class Replicas:
    processes: int
    per_second: float
    cpu_ms: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Grown:
    """One thing made larger; the cost of a call beside that of the usual size, in turn."""

    what: str
    times: int
    cpu_ms: tuple[float, ...]
    beside: tuple[float, ...]
    memory: int  # bytes of the process


@dataclass(frozen=True)
class Streams:
    opened: int
    bytes_each: float
    cpu_share: float  # of one core, while nothing changes


@dataclass(frozen=True)
class Resting:
    memory: int  # bytes of the process
    cpu_share: float  # of one core


@dataclass
class Run:
    """Everything one command found; what was not asked for is empty."""

    machine: dict[str, Any]
    flush_ms: tuple[float, float]
    load_average: list[float]
    resting: Resting | None = None
    turns: list[Turn] = field(default_factory=list)
    reference: list[Turn] = field(default_factory=list)
    open_loop: list[Open] = field(default_factory=list)
    replicas: list[Replicas] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)
    streams: Streams | None = None


def of(turns: Sequence[Turn], subject: str, connections: int) -> list[Turn]:
    return [one for one in turns if one.subject == subject and one.connections == connections]


def p50_at(turns: Sequence[Turn], subject: str, connections: int) -> float:
    return median(one.load.p50 for one in of(turns, subject, connections))
