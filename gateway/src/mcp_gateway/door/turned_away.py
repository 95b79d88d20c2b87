"""Those turned away at the door, before a call was read: all counted, a sample on the record.

A record per request would let anyone without a token fill the ledger's disk. The first of each
kind in a minute are recorded, then one event that says how many more there were.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp_gateway.call import Principal
from mcp_gateway.refusals import Refusal

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60.0
RECORDED_EACH = 10  # of one code in a window, per replica

Event = Callable[[str, Mapping[str, Any]], Awaitable[None]]


class TurnedAway:
    def __init__(
        self,
        event: Event,
        counted: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._event = event
        self._counted = counted
        self._clock = clock
        self._since = clock()
        self._seen: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, refusal: Refusal, path: str, principal: Principal | None) -> None:
        """Count and log one; record it when it is among the first. Never delays the answer."""
        self._counted(refusal.code)
        log.info("refused", extra={"code": refusal.code, "reason": refusal.reason})
        if self._clock() - self._since >= WINDOW_SECONDS:
            self._close_window()
        self._seen[refusal.code] += 1
        if self._seen[refusal.code] <= RECORDED_EACH:
            who = (
                {}
                if principal is None
                else {
                    "sub": principal.subject,
                    "person": principal.username,
                    "agent": principal.agent,
                }
            )
            detail = {"code": refusal.code, "reason": refusal.reason, "path": path, **who}
            self._record("turned_away", detail)

    def _close_window(self) -> None:
        more = {code: n - RECORDED_EACH for code, n in self._seen.items() if n > RECORDED_EACH}
        self._seen.clear()
        self._since = self._clock()
        if more:
            self._record("turned_away_more", {"more": more})

    def _record(self, name: str, detail: Mapping[str, Any]) -> None:
        task = asyncio.create_task(self._write(name, detail))
        self._tasks.add(task)  # the loop keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    async def _write(self, name: str, detail: Mapping[str, Any]) -> None:
        try:
            await self._event(name, detail)
        except Refusal:  # the ledger is down; the answer has gone out all the same
            log.warning("turned away, unrecorded", extra={"detail": dict(detail)})
