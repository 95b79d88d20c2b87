"""The latest traces, in memory. The oldest goes when there are too many, too large or too old."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sandbox_telemetry.limits import Limits
from sandbox_telemetry.spans import Kept


@dataclass(slots=True)
class Trace:
    """The spans of one trace by their id: an export that is repeated adds nothing."""

    id: bytes
    since: float
    spans: dict[bytes, Kept] = field(default_factory=dict)
    left_out: int = 0

    @property
    def size(self) -> int:
        return sum(span.size for span in self.spans.values())


class Traces:
    def __init__(self, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._clock = clock
        self._traces: OrderedDict[bytes, Trace] = OrderedDict()  # the oldest first
        self.bytes = 0

    def add(self, span: Kept) -> bool:
        """Whether the span was kept."""
        self._forget_old()
        trace = self._traces.get(span.trace)
        if span.size > self._limits.span_bytes:
            return False
        if trace is None:
            trace = self._traces[span.trace] = Trace(span.trace, self._clock())
        before = trace.spans.get(span.span)
        if before is None and len(trace.spans) >= self._limits.spans_per_trace:
            trace.left_out += 1
            return False
        trace.spans[span.span] = span
        self.bytes += span.size - (before.size if before else 0)
        while len(self._traces) > self._limits.traces or self.bytes > self._limits.kept_bytes:
            self._forget_first()
        return True

    def get(self, trace_id: bytes) -> Trace | None:
        self._forget_old()
        return self._traces.get(trace_id)

    def latest(self) -> Iterator[Trace]:
        self._forget_old()
        yield from reversed(self._traces.values())

    def __len__(self) -> int:
        return len(self._traces)

    def _forget_old(self) -> None:
        oldest = self._clock() - self._limits.age_seconds
        while self._traces and next(iter(self._traces.values())).since < oldest:
            self._forget_first()

    def _forget_first(self) -> None:
        _, trace = self._traces.popitem(last=False)
        self.bytes -= trace.size
