"""The callers that wait for their record, and how each of them gets an answer in time."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from mcp_gateway.audit import receipt
from mcp_gateway.audit.payload import Payload
from mcp_gateway.audit.segment import Sealed
from mcp_gateway.audit.store import Row

BATCH = 4_000  # records in one block
BACKLOG = 20_000  # records waiting; beyond it a call is refused at once


class LedgerDown(Exception):  # noqa: N818  the word of the refusal it becomes: 503, ledger down
    """Nothing durable was acknowledged: the call must not go on. `reason` is a stable word."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def _nothing() -> None:
    """What a failpoint does outside tests."""


@dataclass(frozen=True, slots=True)
class Failpoints:
    """Where a test may step in: before a block is sent, and when it is durable and nobody knows."""

    before_write: Callable[[], Awaitable[None]] = _nothing
    after_commit: Callable[[], Awaitable[None]] = _nothing


class Entry(msgspec.Struct, frozen=True):
    """A durable record: its place and, on demand, the receipt its caller may keep."""

    segment: UUID
    seq: int
    sealed: Sealed
    index: int

    def receipt(self) -> dict[str, Any]:
        sealed = self.sealed
        return receipt.build(sealed.block, sealed.levels, self.index, sealed.head)


class Waiter(asyncio.Future[Entry]):
    """Who stops waiting hears so only once the record is settled, as it will be within seconds: a
    request whose caller has gone still has its records, each whole.

    A task that is cancelled cancels what it awaits; told that it cannot be, the task waits for it
    and is cancelled then.
    """

    def cancel(self, msg: Any = None) -> bool:  # noqa: ARG002  as the future has it
        return False


class Pending:
    """A record on its way, with the caller that waits for it, if one does."""

    __slots__ = ("body", "columns", "payload", "since", "waiter")

    def __init__(
        self,
        body: bytes,
        columns: Row,
        since: float,
        waiter: asyncio.Future[Entry] | None,
        payload: Payload | None = None,
    ) -> None:
        self.body = body
        self.columns = columns
        self.payload = payload
        self.since = since
        self.waiter = waiter


class Waiting:
    """The queue of records. Nobody waits in it longer than `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._queue: list[Pending] = []
        self._inflight: list[Pending] = []
        self._timer: asyncio.TimerHandle | None = None
        self.arrived = asyncio.Event()
        self.refused = 0
        self._unreported = 0
        self._since: datetime | None = None

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def lag(self) -> float:
        """Seconds that the oldest record has waited; 0 when none waits. For any thread."""
        for held in (self._inflight, self._queue):
            if held:
                return self._loop.time() - held[0].since
        return 0.0

    def put(self, body: bytes, columns: Row) -> None:
        """A record nobody waits for."""
        self._queue.append(Pending(body, columns, self._loop.time(), None))
        self.arrived.set()

    def put_and_wait(
        self, body: bytes, columns: Row, payload: Payload | None = None
    ) -> asyncio.Future[Entry]:
        if len(self._queue) >= BACKLOG:
            return self.refused_entry("backlog", f"{BACKLOG} records are waiting already")
        waiter = Waiter(loop=self._loop)
        now = self._loop.time()
        self._queue.append(Pending(body, columns, now, waiter, payload))
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._seconds, self._expire)
        self.arrived.set()
        return waiter

    def take(self) -> list[Pending]:
        """The next batch; it stays ours until acknowledged."""
        self._inflight, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        return self._inflight

    def acknowledge(self, sealed: Sealed) -> None:
        header = sealed.block.header
        segment, first = header.segment, header.first_seq
        for index, pending in enumerate(self._inflight):
            waiter = pending.waiter
            if pending.payload is not None:
                pending.payload.key.stored = header.day
            if waiter is not None and not waiter.done():
                waiter.set_result(Entry(segment, first + index, sealed, index))
        self._inflight = []

    def refused_entry(self, reason: str, message: str) -> asyncio.Future[Entry]:
        waiter: asyncio.Future[Entry] = self._loop.create_future()
        waiter.set_exception(self.refusal(reason, message))
        return waiter

    def refusal(self, reason: str, message: str) -> LedgerDown:
        """Counted: each of these is a call that could not be put on the record."""
        self.refused += 1
        self._unreported += 1
        if self._since is None:
            self._since = datetime.now(UTC)
        return LedgerDown(reason, message)

    def refuse_all(self, reason: str, message: str) -> None:
        for pending in itertools.chain(self._inflight, self._queue):
            if pending.waiter is not None and not pending.waiter.done():
                pending.waiter.set_exception(self.refusal(reason, message))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def gap(self) -> dict[str, Any] | None:
        """What went unrecorded since this was last asked."""
        if not self._unreported:
            return None
        found = {"reason": "ledger_gap", "refused": self._unreported, "since": self._since}
        self._unreported, self._since = 0, None
        return found

    def _expire(self) -> None:
        """Tell callers that waited too long; their records stay queued and may still land."""
        self._timer = None
        limit = self._loop.time() - self._seconds
        for pending in itertools.chain(self._inflight, self._queue):
            if pending.waiter is None or pending.waiter.done():
                continue
            if pending.since > limit:
                self._timer = self._loop.call_at(pending.since + self._seconds, self._expire)
                return
            message = f"no durable acknowledgement within {self._seconds:g} s"
            pending.waiter.set_exception(self.refusal("timeout", message))
