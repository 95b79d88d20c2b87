"""Where tasks are worked on: leases kept, cancellations and answers heard, lost tasks taken over.

Cancelled here, work stops at once; cancelled on another replica, within half a second. When the
process ends in an orderly way, work has a moment to finish; what may be tried again is then left
for the next process, and the rest fails with its reason. A process that is killed leaves leases,
which run out.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, InputRequiredResult

from mcp_shared.meanwhile import meanwhile
from mcp_shared.postgres import FAULTS
from mcp_shared.tasks.run import Run
from mcp_shared.tasks.table import LEASE_SECONDS, STATEMENT_SECONDS, Table, Taken
from mcp_shared.tasks.wire import REASON, dumped

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
RENEW_EVERY = 6  # beats
TIDY_EVERY = 4
LEAVE_SECONDS = 3.0  # for work under way when the process ends
MOST_TAKEN = 4  # lost tasks, per look
MOST_BYTES = 2_000_000  # of a result, as the table keeps it

Work = asyncio.Task[HandlerResult]
Again = Callable[[Taken], tuple[Run, Work]]


def lost(reason: str, text: str) -> dict[str, Any]:
    """The error of a task that no tool ended."""
    return {"code": INTERNAL_ERROR, "message": text, "data": {REASON: {"reason": reason}}}


WORKER_LOST = lost(
    "worker_lost",
    "The process that worked on this was lost. Whether it acted is unknown; look before you repeat "
    "a change.",
)
SERVER_ENDED = lost(
    "server_ended",
    "The server was stopped before this was finished. Whether it acted is unknown; look before you "
    "repeat a change.",
)
FAILED = lost("failed", "The work on this failed.")
TOO_LARGE = {
    "content": [
        {
            "type": "text",
            "text": "What was found is too large to keep. Ask for less: a narrower question.",
        }
    ],
    "isError": True,
}


class Desk:
    def __init__(self, table: Table, attempts: Mapping[str, int]) -> None:
        self._table = table
        # of each tool, in all: one for what must not be tried again
        self._attempts = attempts
        self._works: dict[str, tuple[Run, Work]] = {}
        self._followed: set[asyncio.Task[None]] = set()

    def keep(self, run: Run, work: Work) -> None:
        """From here on it is a task: what comes of it goes into the table."""
        self._works[run.key] = run, work
        run.kept.set()
        following = asyncio.create_task(self._follow(run, work))
        self._followed.add(following)
        following.add_done_callback(self._followed.discard)

    def cancel(self, task_id: str) -> None:
        if (found := self._works.get(task_id)) is not None:
            found[1].cancel()

    def hear(self, task_id: str, answers: Mapping[str, Any]) -> None:
        if (found := self._works.get(task_id)) is not None:
            found[0].hear(answers)

    @contextlib.asynccontextmanager
    async def working(self, again: Again) -> AsyncIterator[None]:
        try:
            async with meanwhile(self._beat(again)):
                yield
        finally:
            await self._leave()

    async def _follow(self, run: Run, work: Work) -> None:
        try:
            status, ending = await self._ending(work)
            if status is not None:
                await self._insist(lambda: self._table.finish(run.key, status, ending))
        finally:
            self._works.pop(run.key, None)

    async def _ending(self, work: Work) -> tuple[str | None, dict[str, Any]]:
        """How it ended; None for what was stopped, whose state says why already."""
        await asyncio.wait({work})
        if work.cancelled():
            return None, {}
        error = work.exception()
        if isinstance(error, MCPError):
            return "failed", dumped(error.error)
        result = None if error else work.result()
        if error is not None or isinstance(result, InputRequiredResult):
            # a question can be put in a task, but not by ending the call
            log.error("task failed", exc_info=error)
            return "failed", FAILED
        found = dumped(result)
        return "completed", TOO_LARGE if len(json.dumps(found)) > MOST_BYTES else found

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        """What was found is not lost to a database that is away for a moment."""
        for pause in (0.2, 1.0, 3.0, None):
            try:
                async with asyncio.timeout(STATEMENT_SECONDS):
                    await write()
                return
            except FAULTS as error:
                log.warning("tasks unwritten", extra={"error": type(error).__name__})
                if pause is not None:
                    await asyncio.sleep(pause)

    async def _beat(self, again: Again) -> None:
        beats, heard = 0, asyncio.get_running_loop().time()
        while True:
            try:
                async with asyncio.timeout(STATEMENT_SECONDS):
                    if beats % TIDY_EVERY == 0:
                        await self._tidy(again)
                    await self._look(renew=beats % RENEW_EVERY == 0)
                heard = asyncio.get_running_loop().time()
            except FAULTS as error:
                log.warning("tasks unreachable", extra={"error": type(error).__name__})
                if asyncio.get_running_loop().time() - heard > LEASE_SECONDS:
                    # by now another may have taken them over
                    for task_id in list(self._works):
                        self.cancel(task_id)
            except Exception:  # without its beat a process loses all its tasks
                log.exception("tasks untended")
            beats += 1
            await asyncio.sleep(BEAT_SECONDS)

    async def _look(self, *, renew: bool) -> None:
        if not self._works:
            return
        ids = list(self._works)
        alive = await self._table.alive(ids, renew=renew)
        for task_id in ids:
            if task_id in alive:
                self.hear(task_id, alive[task_id])
            else:  # cancelled, expired, or another's by now
                self.cancel(task_id)

    async def _tidy(self, again: Again) -> None:
        for taken in await self._table.take_over(self._attempts, MOST_TAKEN):
            log.info("task taken over", extra={"tool": taken.tool, "attempt": taken.attempt})
            run, work = again(taken)
            self.keep(run, work)
        await self._table.tidy(self._attempts, WORKER_LOST)

    async def _leave(self) -> None:
        """Called when no more requests come."""
        if self._followed:
            await asyncio.wait(self._followed, timeout=LEAVE_SECONDS)
        left = dict(self._works)
        for _, work in left.values():
            work.cancel()
        if self._followed:
            await asyncio.wait(self._followed, timeout=LEAVE_SECONDS)
        with contextlib.suppress(*FAULTS):
            async with asyncio.timeout(STATEMENT_SECONDS):
                others = [key for key, (run, _) in left.items() if run.attempts <= 1]
                for key in others:
                    await self._table.finish(key, "failed", SERVER_ENDED)
                await self._table.release(left.keys() - set(others))
