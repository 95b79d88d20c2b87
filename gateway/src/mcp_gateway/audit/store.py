"""The ledger's SQL: one connection as `audit_writer`, which can add and not change.

A connection is refused unless the server keeps what it acknowledges: without `fsync` a commit is a
promise about memory.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from mcp_gateway.audit.block import Block
from mcp_gateway.audit.payload import Payload
from mcp_gateway.audit.projection import COLUMNS

FAULTS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a session that ends in the middle of a statement
)
DAYS_AHEAD = 7  # partitions made before they are needed: a midnight without DDL rights still works

Row = tuple[Any, ...]

_TYPES = {"ts": "timestamptz", "latency_ms": "float8"}  # of the columns; text where not named
# One statement, so that a block is one round trip and one commit: five would be five at each call.
_HEAD = """
    WITH head AS (
        INSERT INTO audit.block
            (seg_day, seg, block, first_seq, count, prev, root, signed_at, key, signature)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    )
"""
_RECORDS = f"""
    INSERT INTO audit.record (seg_day, seg, block, seq, body, {", ".join(COLUMNS)})
    SELECT $1, $2, $3, $4 + one.place - 1, {", ".join(f"one.c{n}" for n in range(len(COLUMNS) + 1))}
    FROM ROWS FROM (unnest(
        $11::bytea[], {
    ", ".join(f"${n}::{_TYPES.get(column, 'text')}[]" for n, column in enumerate(COLUMNS, 12))
}
    )) WITH ORDINALITY AS one
        ({", ".join(f"c{n}" for n in range(len(COLUMNS) + 1))}, place)
"""  # noqa: S608  column names and numbers of ours
_INSERT = _HEAD + _RECORDS
_NEXT = 12 + len(COLUMNS)  # parameter
_INSERT_WITH_PAYLOADS = f"""{_HEAD}, subject_keys AS (
        INSERT INTO audit.subject_key (seg_day, key_id, subject, kek, wrapped)
        SELECT $1, * FROM unnest(
            ${_NEXT}::uuid[], ${_NEXT + 1}::bytea[], ${_NEXT + 2}::text[], ${_NEXT + 3}::bytea[])
    ), payloads AS (
        INSERT INTO audit.payload (seg_day, rid, key_id, nonce, ct)
        SELECT $1, * FROM unnest(${_NEXT + 4}::text[], ${_NEXT + 5}::uuid[],
            ${_NEXT + 6}::bytea[], ${_NEXT + 7}::bytea[])
    ) {_RECORDS}
"""  # noqa: S608  parameter numbers of ours
# the server's clock decides the day and how long it lasts: two clocks would disagree at midnight
_REGISTER = """
    INSERT INTO audit.segment (seg, replica) VALUES ($1, $2)
    RETURNING seg_day, extract(epoch FROM
        (seg_day + 1)::timestamp - (clock_timestamp() AT TIME ZONE 'UTC'))::float8
"""
_DURABILITY = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)"

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:  # generic in its stubs only
    Connection = asyncpg.Connection


class NotDurableError(RuntimeError):
    """The server may lose what it acknowledged; the ledger refuses to write there."""


class ForkedError(Exception):
    """The segment does not hold what this process wrote, or what it did not."""


class FenceError(TimeoutError):
    """An old session of this process would not go away in time."""


def weak_settings(settings: dict[str, str]) -> list[str]:
    """What in these server settings lets an acknowledged commit be lost."""
    required = {
        "synchronous_commit": ("on", "remote_apply"),
        "fsync": ("on",),
        "full_page_writes": ("on",),
    }
    return [
        f"{name} is {settings.get(name, 'unknown')}, must be {accepted[0]}"
        for name, accepted in required.items()
        if settings.get(name) not in accepted
    ]


async def connect(url: str, name: str, seconds: float, *, insist_on_durability: bool) -> Connection:
    """A session of the writer, after every earlier session of the same `name` has ended."""
    connection = await asyncpg.connect(
        url,
        timeout=seconds,
        server_settings={
            "application_name": name,
            "synchronous_commit": "on",
            "idle_in_transaction_session_timeout": "30s",  # a stopped gateway must not hold locks
            "jit": "off",
        },
    )
    try:
        if insist_on_durability:
            await _insist_on_durability(connection)
        await _fence(connection, name)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _insist_on_durability(connection: Connection) -> None:
    rows = await connection.fetch(_DURABILITY, ["synchronous_commit", "fsync", "full_page_writes"])
    if weak := weak_settings({row["name"]: row["setting"] for row in rows}):
        raise NotDurableError("PostgreSQL may lose acknowledged records: " + "; ".join(weak))


async def _fence(connection: Connection, name: str) -> None:
    """End what an earlier session may still be doing: after this, what is there is all there is."""
    if not await connection.fetchval("SELECT audit.fence($1)", name):
        raise FenceError("an earlier session of this process is still there")


async def prepare_days(connection: Connection) -> None:
    """Partitions for today and the days to come."""
    await connection.fetchval("SELECT audit.prepare($1)", DAYS_AHEAD)


async def register(connection: Connection, segment: UUID, replica: str) -> tuple[date, float]:
    """Announce a segment. The server answers its day and the seconds left of it."""
    row = await connection.fetchrow(_REGISTER, segment, replica)
    assert row is not None  # noqa: S101  INSERT RETURNING gives a row or raises
    return row[0], row[1]


async def insert(
    connection: Connection, block: Block, rows: Sequence[Row], payloads: Sequence[Payload] = ()
) -> None:
    """The signed head of a block, its records (body, then `COLUMNS`), payloads: all or nothing."""
    header = block.header
    done = await connection.execute(
        _INSERT_WITH_PAYLOADS if payloads else _INSERT,
        header.day,
        header.segment,
        header.block,
        header.first_seq,
        header.count,
        header.prev,
        header.root,
        header.signed_at,
        header.key,
        block.signature,
        *zip(*rows, strict=True),
        *(_sealed(payloads, header.day) if payloads else ()),
    )
    if done != f"INSERT 0 {header.count}":  # a rule or a trigger of its owner's took some
        raise ForkedError(f"the database kept other records than it was given: {done}")


def _sealed(payloads: Sequence[Payload], day: date) -> Row:
    """The columns of new keys, then of payloads. A key is kept under each day it was used on."""
    fresh = {one.key.id: one.key for one in payloads if one.key.stored != day}.values()
    return (
        [key.id for key in fresh],
        [key.subject for key in fresh],
        [key.kek for key in fresh],
        [key.wrapped for key in fresh],
        [one.rid for one in payloads],
        [one.key.id for one in payloads],
        [one.nonce for one in payloads],
        [one.ct for one in payloads],
    )


async def landed(connection: Connection, block: Block) -> bool:
    """Whether this very block is there. Call it on a fenced session only: nothing is under way."""
    header = block.header
    stored = await connection.fetchval(
        "SELECT signature FROM audit.block WHERE seg_day = $1 AND seg = $2 AND block = $3",
        header.day,
        header.segment,
        header.block,
    )
    if stored == block.signature:
        return True
    last = await connection.fetchval(
        "SELECT max(seq) FROM audit.record WHERE seg_day = $1 AND seg = $2",
        header.day,
        header.segment,
    )
    if stored is None and last == header.first_seq - 1:
        return False
    raise ForkedError(
        f"segment {header.segment} ends at record {last}, expected {header.first_seq - 1}: "
        "someone else wrote into it. Restart the gateway, then verify the ledger."
    )
