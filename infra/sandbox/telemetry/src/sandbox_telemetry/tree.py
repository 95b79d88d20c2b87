"""The spans of one trace as a tree: what is on top, how deep each lies, where its bar stands.

Pure: no clock, no network, no state. Takes spans in any order, with parents missing or circular.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox_telemetry.spans import Span

WHOLE = 1000  # the width of the picture
THINNEST = 2  # of a bar that would be too short to see
DEEPEST = 20  # indentation ends there


@dataclass(frozen=True)
class Row:
    span: Span
    depth: int
    left: int
    width: int

    @property
    def ms(self) -> float:
        return (self.span.end - self.span.start) / 1e6


def root(spans: Sequence[Span]) -> Span | None:
    """The span without a parent."""
    return min((one for one in spans if not one.parent), key=lambda one: one.start, default=None)


def top(spans: Sequence[Span]) -> Span:
    """The root, or the first span whose parent is elsewhere: a caller may have begun the trace."""
    return root(spans) or _tops(spans)[0]


def period(spans: Sequence[Span]) -> tuple[int, int]:
    return min(one.start for one in spans), max(one.end for one in spans)


def rows(spans: Sequence[Span]) -> Iterator[Row]:
    """Every span once, each below its parent, siblings by time."""
    first, last = period(spans)
    scale = WHOLE / max(last - first, 1)
    below: dict[bytes, list[Span]] = defaultdict(list)
    for one in sorted(spans, key=lambda one: one.start):
        below[one.parent].append(one)
    seen: set[bytes] = set()
    waiting = [(one, 0) for one in reversed(_tops(spans))]
    unseen = iter(sorted(spans, key=lambda one: one.start))
    while True:
        if not waiting:
            # what is left hangs in a circle; it is shown from its earliest span
            left_over = next((one for one in unseen if one.id not in seen), None)
            if left_over is None:
                return
            waiting = [(left_over, 0)]
        one, depth = waiting.pop()
        if one.id in seen:
            continue
        seen.add(one.id)
        left = min(int((one.start - first) * scale), WHOLE - THINNEST)
        width = max(int((one.end - one.start) * scale), THINNEST)
        yield Row(one, min(depth, DEEPEST), left, min(width, WHOLE - left))
        waiting += [(child, depth + 1) for child in reversed(below[one.id])]


def _tops(spans: Sequence[Span]) -> list[Span]:
    known = {one.id for one in spans}
    ordered = sorted(spans, key=lambda one: one.start)
    return [one for one in ordered if one.parent not in known] or ordered[:1]
