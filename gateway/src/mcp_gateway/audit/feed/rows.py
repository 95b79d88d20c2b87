"""What of the ledger is new since a cursor, and how far behind that is. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from mcp_gateway.audit.feed.cursor import Cursor, Place
from mcp_gateway.audit.store import Connection

AT_A_TIME = 2_000  # records in memory
LEAST = 10  # of one segment
LATE_DAYS = 3  # a segment may still grow so long after its day: a stopped gateway that goes on

_SEGMENTS = "SELECT seg_day, seg FROM audit.segment WHERE seg_day >= $1 ORDER BY seg_day, seg"
_KNOWN = "unnest($1::date[], $2::uuid[], $3::bigint[], $4::bigint[]) known (day, seg, seq, block)"
_NEW = f"""
    SELECT known.day, known.seg, new.seq, new.block, new.body FROM {_KNOWN}
    CROSS JOIN LATERAL (
        SELECT seq, block, body FROM audit.record r
        WHERE r.seg_day = known.day AND r.seg = known.seg AND r.seq > known.seq
        ORDER BY r.seq LIMIT $5
    ) new
    ORDER BY known.day, known.seg, new.seq
"""  # noqa: S608  constants of this file
_BEHIND = f"""
    SELECT coalesce(sum(last.seq - known.seq), 0)::bigint AS records,
           coalesce(extract(epoch FROM clock_timestamp() - min(next.db_ts)), 0)::float8 AS seconds
    FROM {_KNOWN}
    CROSS JOIN LATERAL (
        SELECT first_seq + count - 1 AS seq FROM audit.block b
        WHERE b.seg_day = known.day AND b.seg = known.seg ORDER BY block DESC LIMIT 1
    ) last
    CROSS JOIN LATERAL (
        SELECT db_ts FROM audit.block b
        WHERE b.seg_day = known.day AND b.seg = known.seg AND b.block >= known.block
        AND first_seq + count - 1 > known.seq ORDER BY block LIMIT 1
    ) next
"""  # noqa: S608  constants of this file
_TODAY = "SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date"


@dataclass(frozen=True, slots=True)
class New:
    """A record that the cursor has not seen."""

    day: date
    segment: UUID
    seq: int
    block: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Lag:
    records: int
    seconds: float  # since the oldest of them became durable


async def new(connection: Connection, cursor: Cursor) -> Sequence[New]:
    """Some of what is new, each segment in its order; nothing when all was delivered."""
    await _discover(connection, cursor)
    each = max(LEAST, AT_A_TIME // max(1, len(cursor.segments)))
    rows = await connection.fetch(_NEW, *_columns(cursor), each)
    return [New(*row) for row in rows]


def gaps(found: Sequence[New], cursor: Cursor) -> list[str]:
    """Places where a record that was there must be: said, as `verify` would say it."""
    said = []
    before = {key: place.seq for key, place in cursor.segments.items()}
    for one in found:
        expected = before[one.day, one.segment] + 1
        if one.seq != expected:
            said.append(f"segment {one.segment}: records {expected} to {one.seq - 1} are missing")
        before[one.day, one.segment] = one.seq
    return said


def advance(cursor: Cursor, found: Sequence[New]) -> None:
    for one in found:
        cursor.segments[one.day, one.segment] = Place(one.seq, one.block)


async def settle(connection: Connection, cursor: Cursor) -> bool:
    """All was delivered: forget segments that can no longer grow. Whether any was."""
    today: date = await connection.fetchval(_TODAY)
    before = len(cursor.segments)
    cursor.forget_before(today - timedelta(days=LATE_DAYS))
    return len(cursor.segments) != before


async def lag(connection: Connection, cursor: Cursor) -> Lag:
    await _discover(connection, cursor)
    row = await connection.fetchrow(_BEHIND, *_columns(cursor))
    return Lag(row["records"], row["seconds"]) if row else Lag(0, 0.0)


async def _discover(connection: Connection, cursor: Cursor) -> None:
    for row in await connection.fetch(_SEGMENTS, cursor.floor):
        cursor.segments.setdefault((row["seg_day"], row["seg"]), Place())


def _columns(cursor: Cursor) -> tuple[list[date], list[UUID], list[int], list[int]]:
    keys = sorted(cursor.segments)
    places = [cursor.segments[key] for key in keys]
    return (
        [day for day, _ in keys],
        [segment for _, segment in keys],
        [place.seq for place in places],
        [place.block for place in places],
    )
