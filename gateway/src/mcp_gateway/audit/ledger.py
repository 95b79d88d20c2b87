"""The ledger: what `append` returned for is on disk, signed, and in one place only.

PostgreSQL gone or slow: `append` raises `LedgerDown` and the call must not go on. A record whose
caller was refused may still land later; an answer without a record never leaves. What queued while
one commit was under way forms the next block, so a flush is shared by every call in flight.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self
from uuid import uuid4

import orjson

from mcp_gateway.audit import keys, store
from mcp_gateway.audit.canonical import plain_bytes, record_bytes
from mcp_gateway.audit.payload import Payload
from mcp_gateway.audit.projection import project
from mcp_gateway.audit.segment import Sealed, Segment
from mcp_gateway.audit.signing import SigningKey
from mcp_gateway.audit.waiting import Entry, Failpoints, LedgerDown, Pending, Waiting

Kind = Literal["intent", "outcome", "refusal", "event"]

REPLICA_NAME_LIMIT = 100  # characters, as the table has it
VERSION = 1  # of the record's body
PAUSE_FIRST, PAUSE_MOST = 0.05, 1.0  # seconds between attempts to reach PostgreSQL again

log = logging.getLogger(__name__)


class Ledger:
    """Open with `Ledger.open`, close with `aclose`. One per process."""

    def __init__(
        self,
        url: str,
        key_path: Path,
        replica: str,
        timeout: float,
        *,
        insist_on_durability: bool,
        failpoints: Failpoints,
        appended: Callable[[float], None],
    ) -> None:
        if not 1 <= len(replica) <= REPLICA_NAME_LIMIT:
            raise ValueError(f"a replica's name has 1 to {REPLICA_NAME_LIMIT} characters")
        self._url = url
        self._key = SigningKey(key_path)
        self._replica = replica
        self._timeout = timeout
        self._insist = insist_on_durability
        self._failpoints = failpoints
        self._appended = appended
        self._name = f"ledger-{uuid4()}"  # of this boot: fencing must never end another replica
        self._waiting = Waiting(timeout)
        self._connection: store.Connection | None = None
        self._segment: Segment | None = None
        self._flusher: asyncio.Task[None] | None = None
        self._fault: str | None = None  # why nothing can be written now
        self._closed = False
        self.records = 0
        self.blocks = 0
        self.durable_at: float | None = None  # when a block last became so

    @classmethod
    async def open(
        cls,
        url: str,
        key_path: Path,
        replica: str,
        timeout: float = 2.0,  # noqa: ASYNC109  a property of every append, not of opening
        *,
        insist_on_durability: bool = True,
        failpoints: Failpoints | None = None,
        appended: Callable[[float], None] = lambda _: None,
    ) -> Self:
        """Connect, check that the server keeps what it acknowledges, and begin a segment.

        `appended` is told, of every block, how many seconds its oldest record had to wait.
        """
        self = cls(
            url,
            key_path,
            replica,
            timeout,
            insist_on_durability=insist_on_durability,
            failpoints=failpoints or Failpoints(),
            appended=appended,
        )
        # a read-only key folder is fine: the auditor then has the public key from elsewhere
        with contextlib.suppress(OSError):
            keys.publish(self._key.key, key_path.with_name(keys.PUBLIC_NAME))
        try:
            await self._begin_segment(await self._connected())
        except store.FAULTS as fault:
            self._drop_connection()
            raise LedgerDown("down", f"the ledger cannot be opened: {_spell(fault)}") from fault
        self._flusher = asyncio.create_task(self._write_for_ever(), name="ledger")
        return self

    @property
    def healthy(self) -> bool:
        """Whether a record would be accepted now."""
        return self._fault is None and not self._closed

    @property
    def ended(self) -> bool:
        """Whether this process will never write again, unlike one whose database is away."""
        return self._closed

    @property
    def backlog(self) -> int:
        return len(self._waiting)

    @property
    def lag(self) -> float:
        """Seconds that the oldest record has waited for its commit."""
        return self._waiting.lag

    @property
    def refused(self) -> int:
        """How often `append` raised since the start."""
        return self._waiting.refused

    def append(
        self, kind: Kind, body: Mapping[str, Any], payload: Payload | None = None
    ) -> "asyncio.Future[Entry]":
        """Queue a record (and its payload), and await it on disk. `ts` is stamped unless given;
        `v`, `kind` and `replica` always. Who stops waiting leaves the record queued.

        Raises:
            LedgerDown: when awaited.

        """
        if self._fault is not None:
            return self._waiting.refused_entry("down", self._fault)
        if self._closed:
            return self._waiting.refused_entry("closed", "the ledger is closed")
        return self._waiting.put_and_wait(*self._encode(kind, body), payload)

    async def aclose(self) -> None:
        """Write what is queued, for at most the timeout; then nothing more is accepted."""
        if self._flusher is None or self._closed:
            return
        if self._fault is None:
            self._waiting.put(*self._encode("event", {"reason": "ledger_closed"}))
        self._closed = True
        self._waiting.arrived.set()
        _, late = await asyncio.wait({self._flusher}, timeout=self._timeout)
        if late:
            self._flusher.cancel()
            await asyncio.wait({self._flusher})
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=self._timeout)
            except store.FAULTS:
                connection.terminate()

    def _encode(self, kind: Kind, body: Mapping[str, Any]) -> tuple[bytes, store.Row]:
        record = {
            "ts": datetime.now(UTC).isoformat(timespec="microseconds"),
            **body,
            "v": VERSION,
            "kind": kind,
            "replica": self._replica,
        }
        plain = plain_bytes(record)
        if plain is not None:
            return plain, project(record)
        data = record_bytes(record)
        # from the bytes, as the verifier will: a value the encoder spells its own way stays equal
        return data, project(orjson.loads(data))

    async def _write_for_ever(self) -> None:
        try:
            while not (self._closed and not self._waiting):
                lost = self._connection is None or self._connection.is_closed()
                if self._waiting or lost:
                    await self._write_next()
                else:
                    self._waiting.arrived.clear()
                    await self._waiting.arrived.wait()
        except store.ForkedError as fork:
            self._fault = str(fork)
            log.critical("ledger stopped: %s", fork)
        except Exception:  # the task's own top level: a bug here must stop every call, loudly
            self._fault = "the ledger stopped by a fault of its own"
            log.critical("ledger stopped", exc_info=True)
        finally:
            self._closed = True
            self._waiting.refuse_all("closed", self._fault or "the ledger was closed")

    async def _write_next(self) -> None:
        batch = self._waiting.take()
        sealed = await self._settle(batch)
        if sealed is not None and self._segment is not None:
            self._segment.advance(sealed)
            self.records += len(batch)
            self.blocks += 1
            self.durable_at = time.time()
            self._appended(self._waiting.lag)
            self._waiting.acknowledge(sealed)
        if self._fault is not None:
            log.warning("ledger writes again")
            self._fault = None
        if gap := self._waiting.gap():
            self._waiting.put(*self._encode("event", gap))

    async def _settle(self, batch: list[Pending]) -> Sealed | None:
        """Until the batch is durable. After any doubt: look first, send again only if it is not."""
        sealed: Sealed | None = None
        for attempt in itertools.count():
            try:
                async with asyncio.timeout(self._timeout):
                    connection = await self._connected()
                    if sealed is not None and await store.landed(connection, sealed.block):
                        return sealed
                    sealed = None
                    segment = await self._current_segment(connection)
                    if not batch:
                        return None
                    sealed = segment.seal([p.body for p in batch], datetime.now(UTC))
                    await self._write(connection, sealed, batch)
                    return sealed
            except (*store.FAULTS, store.NotDurableError) as fault:
                self._lost(fault, attempt)
            if attempt:
                await asyncio.sleep(min(PAUSE_MOST, PAUSE_FIRST * 2 ** min(attempt, 8)))
        return None

    async def _write(
        self, connection: store.Connection, sealed: Sealed, batch: list[Pending]
    ) -> None:
        await self._failpoints.before_write()
        rows = [(one.body, *one.columns) for one in batch]
        payloads = [one.payload for one in batch if one.payload is not None]
        await store.insert(connection, sealed.block, rows, payloads)
        await self._failpoints.after_commit()

    async def _current_segment(self, connection: store.Connection) -> Segment:
        """The open segment, or a new one when midnight has passed or the key was replaced."""
        now = asyncio.get_running_loop().time()
        current = self._segment
        if current is not None and not self._key.replaced(now) and now < current.ends:
            return current
        return await self._begin_segment(connection)

    async def _begin_segment(self, connection: store.Connection) -> Segment:
        """Register a new segment; its first record names the one before it."""
        await store.prepare_days(connection)
        body: dict[str, Any] = {"reason": "segment_opened"}
        if (before := self._segment) is not None:
            body["previous"] = before.end()
        data, columns = self._encode("event", body)
        # a new name at each attempt: one whose commit is in doubt is left behind, one event long
        name = uuid4()
        async with connection.transaction():
            day, seconds = await store.register(connection, name, self._replica)
            ends = asyncio.get_running_loop().time() + seconds
            segment = Segment(name, day, ends, self._key.key)
            sealed = segment.seal([data], datetime.now(UTC))
            await store.insert(connection, sealed.block, [(data, *columns)])
        segment.advance(sealed)
        self._segment = segment
        return segment

    async def _connected(self) -> store.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await store.connect(
                self._url, self._name, self._timeout, insist_on_durability=self._insist
            )
            # an idle ledger should learn of a lost server before the next call does
            self._connection.add_termination_listener(lambda _: self._waiting.arrived.set())
        return self._connection

    def _lost(self, fault: BaseException, attempt: int) -> None:
        """Drop the session; call the ledger down unless one quick new attempt may still help."""
        self._drop_connection()
        if self._fault is None and not attempt and not isinstance(fault, TimeoutError):
            log.warning("ledger session lost, reconnecting: %s", _spell(fault))
        elif self._fault is None:
            self._fault = f"records cannot be written: {_spell(fault)}"
            log.error("ledger down: %s", self._fault)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _spell(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
