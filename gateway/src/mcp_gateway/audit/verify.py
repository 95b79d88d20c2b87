"""Recomputes the whole ledger from what is stored, trusting the public keys and nothing else.

The keys come from a file outside the database: whoever can forge rows could register a key row,
too, so none is read from there. One snapshot for everything, streamed, as `audit_reader`.

Not seen without `witnessed`, by construction: the newest records of a segment cut off, and a whole
segment removed together with its registration. Only a head kept elsewhere can show those: a
checkpoint outside the database, or the receipt of a caller.
"""

import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from mcp_gateway.audit import calls, reader, sealed
from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.chain import (
    BLOCK_COLUMNS,
    COUNT_LIMIT,
    RECORD_COLUMNS,
    Chain,
    Row,
    read_block,
)
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.findings import Finding, Report
from mcp_gateway.audit.statements.gone import Gone
from mcp_gateway.audit.store import Connection

RUN_RECORDS = 8_000  # held in memory at a time
OPEN_MINUTES = 5  # a call may take that long; after it, an intent without outcome is a finding
# what values raise that no gateway writes: no body, an instant beyond the calendar
UNREADABLE = (TypeError, ValueError, OverflowError, asyncpg.InterfaceError)
BEGINNING = date(2000, 1, 1)  # no gateway wrote before it
BEGINNING_SECONDS = 30  # of a ledger, in which its first checkpoint may still be on its way

_SEGMENTS = """
    SELECT seg_day, seg, max(replica) AS replica, bool_or(rows) AS rows FROM (
        SELECT seg_day, seg, replica, false AS rows FROM audit.segment
        UNION ALL SELECT DISTINCT seg_day, seg, NULL, true FROM audit.block
        UNION ALL SELECT DISTINCT seg_day, seg, NULL, true FROM audit.record
    ) known
    WHERE seg_day >= $1 GROUP BY seg_day, seg ORDER BY seg_day, seg
"""
_BLOCKS = (
    f"SELECT {BLOCK_COLUMNS} FROM audit.block "  # noqa: S608  constants of this package
    "WHERE seg_day = $1 AND seg = $2 AND block > $3 ORDER BY block LIMIT 2000"
)
_RECORDS = (
    f"SELECT {RECORD_COLUMNS} FROM audit.record "  # noqa: S608  constants of this package
    "WHERE seg_day = $1 AND seg = $2 AND seq > $3 AND seq <= $4 ORDER BY seq"
)
_UNCOVERED = "SELECT count(*) FROM audit.record WHERE seg_day = $1 AND seg = $2 AND seq > $3"
# without its constraints a table takes rows that no range above asks for: number 0, no day
_ALL = """
    SELECT count(*) FROM audit.record WHERE $1::date IS NULL OR (seg_day >= $1) IS NOT FALSE
"""
_Place = tuple[date, UUID]


async def verify(
    url: str,
    keys: Keys,
    *,
    since: date | None = None,
    open_minutes: int = OPEN_MINUTES,
    witnessed: Witnessed | None = None,
) -> Report:
    """Everything from the day `since` on, in one snapshot, and held against the checkpoints.

    Read these before: what they saw must be in the snapshot.
    """
    started = time.perf_counter()
    report = Report(keys=sorted(keys))
    async with reader.snapshot(url) as connection:
        first = since or BEGINNING
        chains: dict[str, Chain] = {}
        met = 0
        gone = await Gone.load(connection, first, keys, report, witnessed)
        for row in await connection.fetch(_SEGMENTS, first):
            chain = await _segment(connection, row, keys, report, witnessed, gone)
            chains[str(chain.segment)] = chain
            met += chain.rows
        _predecessors(chains, first, report)
        await sealed.count(connection, since, report)
        if strays := await connection.fetchval(_ALL, since) - met:
            what = f"{strays} records stand where no block reaches"
            report.add(Finding("BLOCK", what))
        if witnessed is not None:
            if not witnessed.entries and not await _has_just_begun(connection):
                what = "the place holds no checkpoint"
                report.add(Finding("CHECKPOINT-ROOT", what))
            _checkpoints(chains, first, witnessed, report, gone)
        await calls.once_and_with_an_outcome(connection, first, open_minutes, report)
    report.seconds = time.perf_counter() - started
    return report


async def _has_just_begun(connection: Connection) -> bool:
    """Whether the first checkpoint may still be on its way: so young is the oldest block."""
    oldest = await connection.fetchval("SELECT min(signed_at) FROM audit.block")
    return oldest is None or (datetime.now(UTC) - oldest).total_seconds() < BEGINNING_SECONDS


async def _segment(
    connection: Connection,
    known: asyncpg.Record,
    keys: Keys,
    report: Report,
    witnessed: Witnessed | None,
    gone: Gone,
) -> Chain:
    day, segment, replica = known["seg_day"], known["seg"], known["replica"]
    seen = witnessed.of(day, segment) if witnessed else {}
    chain = Chain(day, segment, replica, keys, report, seen)
    if not known["rows"] and gone.retired(chain, report):
        return chain
    report.segments += 1
    if replica is None:
        what = "has rows here and is not registered for this day"
        report.add(Finding("UNREGISTERED-SEGMENT", what, day, segment))
    gone.still_there(chain, report)
    try:
        await _rows(connection, chain, keys, report, gone)
    except UNREADABLE as error:
        what = f"holds what no gateway writes: {type(error).__name__}: {error}"
        report.add(Finding("BLOCK", what, day, segment))
    else:
        if replica is not None and not chain.block:
            report.add(Finding("SEGMENT-EMPTY", "registered, without a block", day, segment))
    return chain


async def _rows(
    connection: Connection, chain: Chain, keys: Keys, report: Report, gone: Gone
) -> None:
    place = (chain.day, chain.segment)
    async for blocks in _runs(connection, *place, report):
        last = blocks[-1][1] + blocks[-1][2] - 1
        chain.run(blocks, await connection.fetch(_RECORDS, *place, chain.seq, last))
        await sealed.compare(connection, chain, report)
    chain.excused = gone.excused(chain)
    chain.end(await connection.fetchval(_UNCOVERED, *place, chain.seq))
    if chain.suspect:
        await _first_unsigned(connection, chain, keys, report)


async def _runs(
    connection: Connection, day: date, segment: UUID, report: Report
) -> AsyncIterator[list[Row]]:
    """The blocks of a segment, so many at a time that their records fit in memory."""
    last = 0
    run: list[Row] = []
    held = 0
    while rows := await connection.fetch(_BLOCKS, day, segment, last):
        for row in rows:
            if row["count"] > COUNT_LIMIT:
                what = f"states {row['count']} records, more than any gateway writes"
                report.add(Finding("BLOCK", what, day, segment, row["block"]))
                if run:
                    yield run
                return
            run.append(row)
            held += row["count"]
            if held >= RUN_RECORDS:
                yield run
                run, held = [], 0
        last = rows[-1]["block"]
    if run:
        yield run


async def _first_unsigned(connection: Connection, chain: Chain, keys: Keys, report: Report) -> None:
    """The last signature was wrong: name the first block from which the chain was rewritten."""
    last = 0
    while rows := await connection.fetch(_BLOCKS, chain.day, chain.segment, last):
        for row in rows:
            block = read_block(chain.day, chain.segment, row)
            if not block.signed_by(keys):
                header = block.header
                what = (
                    "not signed by its gateway; it or what precedes it was rewritten"
                    if header.key in keys
                    else f"signed with key {header.key}, which is not among the trusted keys"
                )
                report.add(Finding("BLOCK", what, chain.day, chain.segment, header.block))
                return
        last = rows[-1]["block"]


def _predecessors(chains: dict[str, Chain], first: date, report: Report) -> None:
    """A segment begun at midnight names the end of the one before it."""
    for chain in chains.values():
        named = chain.previous
        if named is None or str(named.get("day", "")) < first.isoformat():
            continue
        before = chains.get(str(named.get("segment")))
        if before is None:
            what = f"segment {named.get('segment')} came before and is gone"
            report.add(Finding("SEGMENT-MISSING", what, chain.day, chain.segment))
        elif (before.seq, before.head.hex()) != (named.get("records"), named.get("head")):
            what = f"ends at record {before.seq}, its successor names {named.get('records')}"
            report.add(Finding("TRUNCATED", what, before.day, before.segment))


def _checkpoints(
    chains: dict[str, Chain], first: date, witnessed: Witnessed, report: Report, gone: Gone
) -> None:
    there = {(chain.day, chain.segment) for chain in chains.values()}
    for finding in (*witnessed.findings, *witnessed.missing(there, first)):
        if not gone.explains(finding):
            report.add(finding)
    report.checkpoints = {
        "written": witnessed.entries,
        "leaves": witnessed.size,
        "last": witnessed.last,
        "blocks_since": sum(
            max(0, chain.block - max(witnessed.of(chain.day, chain.segment), default=0))
            for chain in chains.values()
        ),
    }
