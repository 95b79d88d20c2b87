"""The outbox: what this server set out to write, in its own database.

One row per person, tool and idempotency key. It is `claimed` before anything leaves, `sent` just
before the write does, and `done` with the answer afterwards. A row that stayed `sent` is a write
whose outcome nobody knows: the next attempt looks before it sends. Requests are kept as a hash and
answers without the texts people wrote.

Attempts are numbered. One that was held up for longer than its lease (a process that was stopped
and goes on) finds another's number in its row: it sends nothing and changes nothing.
"""

import hashlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from mcp_shared.faults import Conflict, Unavailable
from mcp_shared.postgres import CONNECT_SECONDS, FAULTS

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A write as it was asked for."""

    subject: str
    tool: str
    key: str
    arguments: dict[str, Any]

    @property
    def marker(self) -> str:
        """Names this write everywhere; two people's equal keys make different markers."""
        parts = json.dumps([self.subject, self.tool, self.key]).encode()
        return hashlib.sha256(parts).hexdigest()[:40]

    @property
    def digest(self) -> str:
        document = orjson.dumps(self.arguments, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(document).hexdigest()


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to attempt a write now; nobody else holds it until the lease ends."""

    marker: str
    attempt: int
    sent: bool
    seen: dict[str, Any]
    result: dict[str, Any] | None


class Outbox:
    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, lease_seconds: float) -> None:
        self._pool = pool
        self._lease = lease_seconds

    async def claim(self, request: Request) -> Ticket:
        """Take the row of this request.

        Raises:
            Conflict: the key was used for another request.
            Unavailable: another attempt is under way, or the outbox cannot be reached.

        """
        async with self._connection() as db:
            claimed = await db.fetchrow(
                _CLAIM, request.marker, request.digest, request.tool, request.subject, self._lease
            )
            if claimed is not None:
                return _ticket(request.marker, claimed)
            row = await db.fetchrow(_READ, request.marker)
        if row is not None and row["request"] != request.digest:
            raise Conflict(
                "This idempotency_key was used for another change; nothing was done now.",
                instead="Choose a new idempotency_key for a new change.",
            )
        if row is None or row["state"] != "done":
            raise _under_way()
        return _ticket(request.marker, row)

    async def sending(self, ticket: Ticket, seen: dict[str, Any]) -> None:
        """Note that the write leaves now, and what stood there before it.

        Raises:
            Unavailable: the lease is over, or the outbox cannot be reached: nothing may leave.

        """
        async with self._connection() as db:
            kept = await db.fetchval(
                _SENDING, ticket.marker, ticket.attempt, orjson.dumps(seen).decode()
            )
        if kept is None:
            log.warning("overtaken", extra={"code": "outbox_overtaken"})
            raise _under_way()

    async def done(self, ticket: Ticket, result: dict[str, Any]) -> None:
        """Keep the answer. When that fails the next attempt finds the write by looking."""
        try:
            async with self._connection() as db:
                await db.execute(_DONE, ticket.marker, orjson.dumps(result).decode())
        except Unavailable:
            log.warning("answer not kept", extra={"code": "outbox_unavailable"})

    async def release(self, ticket: Ticket, *, unsent: bool) -> None:
        """Let the next attempt in; forget the row when nothing of it ever left."""
        try:
            async with self._connection() as db:
                await db.execute(_FORGET if unsent else _RELEASE, ticket.marker, ticket.attempt)
        except Unavailable:
            log.warning("lease not released", extra={"code": "outbox_unavailable"})

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with self._pool.acquire(timeout=CONNECT_SECONDS) as db:
                yield db
        except FAULTS as error:
            log.warning(
                "outbox", extra={"code": "outbox_unavailable", "kind": type(error).__name__}
            )
            raise Unavailable(
                "Changes cannot be recorded at the moment, so none was made.",
                instead="Repeat the call later with the same idempotency_key.",
            ) from error


def _ticket(marker: str, row: asyncpg.Record) -> Ticket:
    result = orjson.loads(row["result"]) if row["state"] == "done" else None
    seen = orjson.loads(row["seen"]) if row["seen"] else {}
    sent = row["state"] == "sent"
    return Ticket(marker, row["attempt"], sent=sent, seen=seen, result=result)


def _under_way() -> Unavailable:
    return Unavailable(
        "The same change is being made at this moment.",
        instead="Wait a few seconds and repeat the call with the same idempotency_key.",
    )


# takes a new row, or one whose last attempt is over; a row that is done or leased yields nothing
_CLAIM = """
INSERT INTO outbox.write AS w (marker, request, tool, subject, leased_until)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
ON CONFLICT (marker) DO UPDATE
SET leased_until = excluded.leased_until, attempt = w.attempt + 1, updated_at = now()
WHERE w.request = excluded.request AND w.state <> 'done' AND w.leased_until <= now()
RETURNING request, attempt, state, seen, result
"""
_READ = "SELECT request, attempt, state, seen, result FROM outbox.write WHERE marker = $1"
_SENDING = """
UPDATE outbox.write SET state = 'sent', seen = $3::jsonb, updated_at = now()
WHERE marker = $1 AND attempt = $2 AND state <> 'done' AND leased_until > now()
RETURNING attempt
"""
_DONE = """
UPDATE outbox.write SET state = 'done', result = $2::jsonb, updated_at = now() WHERE marker = $1
"""
_RELEASE = """
UPDATE outbox.write SET leased_until = now()
WHERE marker = $1 AND attempt = $2 AND state <> 'done'
"""
_FORGET = "DELETE FROM outbox.write WHERE marker = $1 AND attempt = $2 AND state <> 'done'"
