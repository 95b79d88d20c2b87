"""The list of calls and the records of one: keyset pages, newest first.

The ledger is indexed for writing (BRIN on time), so the newest calls are looked for in widening
slices of time: a page of a busy ledger costs its last ten minutes, not its last month.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    LargeBinary,
    Select,
    Text,
    Uuid,
    and_,
    column,
    exists,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Date

from mcp_gateway.console.events import told
from mcp_gateway.console.wanted import WINDOWS, Place, Wanted

_ORDER = (
    "person", "agent", "server", "tool", "method", "args", "decision", "reason", "status",
    "latency_ms", "bytes", "roles", "detail", "policy", "definition",
)  # fmt: skip
PAGE = 50
RECORDS_OF_CALL = 20  # two, when all is well
SLICES = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=8), timedelta(days=1))
AHEAD = timedelta(minutes=2)  # a replica's clock may be a little ahead

_TEXTS = (
    "kind", "rid", "person", "subject", "agent", "method", "server", "tool", "decision", "reason",
    "status", "trace",
)  # fmt: skip
RECORD = table(
    "record",
    column("seg_day", Date),
    column("seg", Uuid),
    column("seq", BigInteger),
    column("block", BigInteger),
    column("body", LargeBinary),
    column("ts", DateTime(timezone=True)),
    column("latency_ms", Double),
    *(column(name, Text) for name in _TEXTS),
    schema="audit",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A record as a list shows it."""

    day: date
    segment: UUID
    seq: int
    block: int
    ts: datetime | None
    kind: str | None
    rid: str | None
    person: str | None
    agent: str | None
    method: str | None
    server: str | None
    tool: str | None
    decision: str | None
    reason: str | None
    status: str | None
    latency_ms: float | None
    trace: str | None
    # of an event, where its body was read
    who: str = ""
    about: str = ""

    @property
    def shown(self) -> str:
        """What was called, in one name; an event's name is its reason."""
        if self.kind == "event":
            return self.reason or "event"
        if self.method == "tools/call" and self.tool:
            return f"{self.server}_{self.tool}" if self.server else self.tool
        return " ".join(part for part in (self.method, self.tool) if part)

    @property
    def state(self) -> str:
        return self.status or ("open" if self.kind == "intent" else self.kind or "")


@dataclass(frozen=True, slots=True)
class Record:
    """One record in full. `body` is None when what is stored is no JSON object."""

    line: Line
    body: Mapping[str, Any] | None
    raw: bytes

    @property
    def fields(self) -> list[tuple[str, Any]]:
        """What the body says, in the order people ask: who, what, how it went, the rest."""
        body = self.body or {}
        names = [*(name for name in _ORDER if name in body), *sorted(body.keys() - set(_ORDER))]
        return [(name, body[name]) for name in names if body[name] not in (None, "")]


@dataclass(frozen=True, slots=True)
class Page:
    lines: tuple[Line, ...]
    older: Place | None


_LINE = (
    RECORD.c.seg_day, RECORD.c.seg, RECORD.c.seq, RECORD.c.block, RECORD.c.ts, RECORD.c.kind,
    RECORD.c.rid, RECORD.c.person, RECORD.c.agent, RECORD.c.method, RECORD.c.server, RECORD.c.tool,
    RECORD.c.decision, RECORD.c.reason, RECORD.c.status, RECORD.c.latency_ms, RECORD.c.trace,
)  # fmt: skip


async def page(
    connection: AsyncConnection, asked: Wanted, *, now: datetime, servers: Sequence[str]
) -> Page:
    """At most PAGE calls, newest first, and where older ones go on."""
    if asked.call:
        query = select(*_LINE).where(RECORD.c.rid == asked.call, _last_word())
        found = await _lines(connection, query.order_by(*_newest_first()).limit(PAGE))
        return Page(tuple(found), None)
    until = asked.before.ts + timedelta(microseconds=1) if asked.before else now + AHEAD
    conditions = [*_conditions(asked, servers)]
    columns = (*_LINE, RECORD.c.body) if asked.show == "events" else _LINE
    lines: list[Line] = []
    for start, end in slices(until, now - WINDOWS[asked.window]):
        query = (
            select(*columns)
            .where(
                RECORD.c.seg_day >= (start - timedelta(days=1)).date(),
                RECORD.c.seg_day <= (end + timedelta(days=1)).date(),
                RECORD.c.ts >= start,
                RECORD.c.ts < end,
                *conditions,
            )
            .order_by(*_newest_first())
            .limit(PAGE + 1 - len(lines))
        )
        lines += await _lines(connection, query)
        if len(lines) > PAGE:
            last = lines[PAGE - 1]
            assert last.ts is not None  # noqa: S101  found by its time
            return Page(tuple(lines[:PAGE]), Place(last.ts, last.segment, last.seq))
    return Page(tuple(lines), None)


def slices(until: datetime, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The window from its newest end, in pieces that grow."""
    end, place = until, 0
    while end > since:
        start = max(since, end - SLICES[min(place, len(SLICES) - 1)])
        yield start, end
        end, place = start, place + 1


async def records_of(connection: AsyncConnection, rid: str) -> tuple[Record, ...]:
    """What stands in the ledger about one call, in its order."""
    return await _records(connection, RECORD.c.rid == rid)


async def record_at(
    connection: AsyncConnection, day: date, segment: UUID, seq: int
) -> Record | None:
    place = and_(RECORD.c.seg_day == day, RECORD.c.seg == segment, RECORD.c.seq == seq)
    found = await _records(connection, place)
    return found[0] if found else None


def _conditions(asked: Wanted, servers: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    if asked.show == "events":
        yield RECORD.c.kind == "event"
    elif asked.status == "open":
        yield and_(RECORD.c.kind == "intent", ~_closed())
    elif asked.status or asked.decision not in ("", "allow"):
        yield RECORD.c.kind.in_(("outcome", "refusal"))
    else:
        yield _last_word()
    if asked.status and asked.status != "open":
        yield RECORD.c.status == asked.status
    if asked.decision:
        yield RECORD.c.decision == asked.decision
    if asked.person:
        yield RECORD.c.person == asked.person
    if asked.trace:
        yield RECORD.c.trace == asked.trace
    if asked.tool:
        yield _tool(asked.tool, servers)
    if asked.before:
        place = asked.before
        yield tuple_(RECORD.c.ts, RECORD.c.seg, RECORD.c.seq) < (place.ts, place.segment, place.seq)


def _tool(name: str, servers: Sequence[str]) -> ColumnElement[bool]:
    """`crm_find_contacts` as on the aggregate endpoint, `find_contacts`, or a server's name."""
    server, _, own = name.partition("_")
    if name in servers:
        return RECORD.c.server == name
    if server in servers and own:
        return and_(RECORD.c.server == server, RECORD.c.tool == own)
    return RECORD.c.tool == name


def _last_word() -> ColumnElement[bool]:
    """The record that speaks for its call: how it ended, or that it began."""
    return or_(
        RECORD.c.kind.in_(("outcome", "refusal")), and_(RECORD.c.kind == "intent", ~_closed())
    )


def _closed() -> ColumnElement[bool]:
    other = RECORD.alias("outcome")
    return exists().where(
        other.c.rid == RECORD.c.rid,
        other.c.kind == "outcome",
        other.c.seg_day >= RECORD.c.seg_day,
    )


def _newest_first() -> tuple[ColumnElement[Any], ...]:
    return RECORD.c.ts.desc(), RECORD.c.seg.desc(), RECORD.c.seq.desc()


async def _lines(connection: AsyncConnection, query: Select[Any]) -> list[Line]:
    rows = (await connection.execute(query)).all()
    end = len(_LINE)
    return [Line(*row[:end], *(told(row[end]) if len(row) > end else ())) for row in rows]


async def _records(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> tuple[Record, ...]:
    query = select(*_LINE, RECORD.c.body).where(condition)
    query = query.order_by(RECORD.c.ts, RECORD.c.seq).limit(RECORDS_OF_CALL)
    rows = (await connection.execute(query)).all()
    return tuple(_record(Line(*row[:-1]), row[-1]) for row in rows)


def _record(line: Line, raw: bytes) -> Record:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    return Record(line, body if isinstance(body, dict) else None, raw)


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
