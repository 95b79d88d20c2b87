"""When not to ask the CRM: while it is down, and until the time it named. Shared by all calls.

After a row of failures nobody waits for it: calls are refused at once, and now and then one is let
through to see. A limit that was hit holds back everyone of this server, since all share one token.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES = 8  # in a row, of all calls together
OPEN_SECONDS = 10.0


@dataclass
class Breaker:
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _open_until: float = 0.0
    # by kind of request: searches have a limit of their own
    _held_until: dict[bool, float] = field(default_factory=dict)

    def refuses(self) -> float:
        """Seconds until the CRM is asked again after failures; 0 lets this one through."""
        now = self.clock()
        if self._failures < FAILURES:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        self._open_until = now + OPEN_SECONDS  # one probe; whoever comes meanwhile is refused
        return 0.0

    def held(self, *, search: bool) -> float:
        """Seconds until the limit that was hit lets a request of this kind pass."""
        until = max(self._held_until.get(False, 0.0), self._held_until.get(search, 0.0))
        return max(0.0, until - self.clock())

    def answered(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._open_until = self.clock() + OPEN_SECONDS

    def limited(self, seconds: float, *, search: bool) -> None:
        until = self.clock() + seconds
        self._held_until[search] = max(until, self._held_until.get(search, 0.0))
