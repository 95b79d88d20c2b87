"""Rests a server that keeps failing, so that callers hear at once instead of after a timeout."""

import time
from collections.abc import Callable

FAILURES = 5  # in a row
REST_SECONDS = 10.0


class Breaker:
    """Opens after FAILURES in a row; after REST_SECONDS one call tries for all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def wait(self) -> float:
        """Seconds to wait; 0 lets the caller through, and lets one through after a rest."""
        if not self.resting:
            return 0.0
        left = self._open_until - self._clock()
        if left > 0:
            return left
        self._open_until = self._clock() + REST_SECONDS  # the others wait for this one's outcome
        return 0.0

    @property
    def resting(self) -> bool:
        """Whether calls are turned away, but for one that tries."""
        return self._failures >= FAILURES

    def worked(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self.resting:
            self._open_until = self._clock() + REST_SECONDS
