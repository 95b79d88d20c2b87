"""The last value of every metric series, in memory; the longest unheard goes when there are too
many or it is too old.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sandbox_telemetry.limits import Limits

Labels = tuple[tuple[str, str], ...]  # sorted, `__name__` among them


@dataclass(frozen=True, slots=True)
class Sample:
    labels: Labels
    value: float
    at: float  # when it arrived


class SeriesStore:
    def __init__(self, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._clock = clock
        self._samples: OrderedDict[Labels, Sample] = OrderedDict()  # the longest unheard first

    def set(self, labels: Mapping[str, str], value: float) -> bool:
        """Whether the value was kept."""
        key = tuple(sorted(labels.items()))
        if sum(len(name) + len(text) for name, text in key) > self._limits.labels_bytes:
            return False
        self._samples[key] = Sample(key, value, self._clock())
        self._samples.move_to_end(key)
        if len(self._samples) > self._limits.series:
            self._samples.popitem(last=False)
        return True

    def select(self, wanted: Mapping[str, str]) -> Iterator[Sample]:
        """Series whose labels are as wanted; a label that is wanted empty must be missing."""
        self._forget_old()
        for sample in self._samples.values():
            held = dict(sample.labels)
            if all(held.get(name, "") == text for name, text in wanted.items()):
                yield sample

    def __len__(self) -> int:
        return len(self._samples)

    def _forget_old(self) -> None:
        oldest = self._clock() - self._limits.age_seconds
        while self._samples and next(iter(self._samples.values())).at < oldest:
            self._samples.popitem(last=False)
