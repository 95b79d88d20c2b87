"""Counts requests against the account's limits: per ten seconds, per day, and searches per second.

In memory and for one process: the sandbox is one process and has one token.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Exceeded:
    policy: str
    retry_after_seconds: float


class Rolling:
    """At most `limit` requests in any `seconds`."""

    def __init__(self, policy: str, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self.policy = policy
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def full(self) -> Exceeded | None:
        """What to answer when no request more fits, else None. Takes nothing."""
        now = self._clock()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) < self.limit:
            return None
        return Exceeded(self.policy, self._taken[0] + self.seconds - now)

    def take(self) -> None:
        self._taken.append(self._clock())

    @property
    def remaining(self) -> int:
        return max(0, self.limit - len(self._taken))


class Limits:
    """All limits of the account; a refused request counts against none."""

    def __init__(
        self,
        *,
        ten_secondly: int,
        search_per_second: int,
        daily: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.burst = Rolling("TEN_SECONDLY_ROLLING", ten_secondly, 10, clock)
        self.search = Rolling("SECONDLY", search_per_second, 1, clock)
        self.day = Rolling("DAILY", daily, DAY_SECONDS, clock)

    def take(self, *, search: bool) -> Exceeded | None:
        used = (self.search, self.burst, self.day) if search else (self.burst, self.day)
        for limit in used:
            if exceeded := limit.full():
                return exceeded
        for limit in used:
            limit.take()
        return None

    def headers(self) -> Iterator[tuple[str, str]]:
        yield "X-HubSpot-RateLimit-Daily", str(self.day.limit)
        yield "X-HubSpot-RateLimit-Daily-Remaining", str(self.day.remaining)
        yield "X-HubSpot-RateLimit-Max", str(self.burst.limit)
        yield "X-HubSpot-RateLimit-Remaining", str(self.burst.remaining)
        yield "X-HubSpot-RateLimit-Interval-Milliseconds", "10000"
        yield "X-HubSpot-RateLimit-Secondly", str(max(1, self.burst.limit // 10))
        yield "X-HubSpot-RateLimit-Secondly-Remaining", str(self.burst.remaining // 10)
