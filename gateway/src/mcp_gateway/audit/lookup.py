"""One record and its proof, and a caller's receipt held against the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from mcp_gateway.audit import merkle, reader, receipt
from mcp_gateway.audit.block import Header, Keys, leaves, read_header
from mcp_gateway.audit.chain import BLOCK_COLUMNS, RECORD_COLUMNS, read_block
from mcp_gateway.audit.findings import Finding, Kind, Report
from mcp_gateway.audit.offline import again
from mcp_gateway.audit.projection import COLUMNS, project
from mcp_gateway.audit.statements.gone import Gone
from mcp_gateway.audit.store import Connection

_BLOCK = (
    f"SELECT seg_day, {BLOCK_COLUMNS} FROM audit.block "  # noqa: S608  constants of this package
    "WHERE seg = $1 AND first_seq <= $2 ORDER BY first_seq DESC LIMIT 1"
)
_BODY = "SELECT body FROM audit.record WHERE seg_day = $1 AND seg = $2 AND seq = $3"
_RECORDS = (
    f"SELECT {RECORD_COLUMNS} FROM audit.record "  # noqa: S608  constants of this package
    "WHERE seg_day = $1 AND seg = $2 AND seq BETWEEN $3 AND $4 ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A record as it was signed, with its receipt; or why it cannot be proved."""

    body: dict[str, Any] | None
    receipt: dict[str, Any] | None
    findings: tuple[Finding, ...]


async def verify_entry(url: str, keys: Keys, segment: UUID, seq: int) -> Proof:
    """Prove one record: its block's signature, its path to the root, its columns."""
    async with reader.snapshot(url) as connection:
        row = await connection.fetchrow(_BLOCK, segment, seq)
        if row is None:
            return _unproved("GAP", "no block covers this record", segment, seq)
        block = read_block(row[0], segment, row[1:])
        header = block.header
        records = await connection.fetch(
            _RECORDS, header.day, segment, header.first_seq, header.last_seq
        )
    index = seq - header.first_seq
    if index >= header.count:
        return _unproved("GAP", "no block covers this record", segment, seq)
    if [record[0] for record in records] != [*range(header.first_seq, header.last_seq + 1)]:
        return _unproved("GAP", f"records of block {header.block} are missing", segment, seq)
    if not block.signed_by(keys):
        return _unproved(
            "BLOCK", f"block {header.block} is not signed by a trusted key", segment, seq
        )
    levels = merkle.tree(leaves([record[2] for record in records]))
    if levels[-1][0] != header.root:
        return _unproved("BLOCK", f"block {header.block} is not what was signed", segment, seq)
    record = records[index]
    body = orjson.loads(record[2])
    wrong = [
        name
        for name, stored, said in zip(COLUMNS, record[3:], project(body), strict=True)
        if stored != said
    ]
    found = _finding("PROJECTION", f"column {', '.join(wrong)}", segment, seq) if wrong else None
    return Proof(body, receipt.build(block, levels, index), (found,) if found else ())


async def verify_receipt(given: object, keys: Keys, url: str | None) -> Finding | None:
    """Check a receipt by itself and, with the ledger at hand, that its record is still there."""
    try:
        header, leaf = receipt.check(given, keys)
    except receipt.ReceiptError as error:
        return Finding("RECEIPT-INVALID", str(error))
    if url is None:
        return None
    seq: int = given["seq"]  # type: ignore[index]  # checked above
    async with reader.session(url) as connection:
        body = await connection.fetchval(_BODY, header.day, header.segment, seq)
        if body is None:
            return await _missing(connection, header, seq, keys)
    if merkle.leaf_hash(body) != leaf:
        return _finding("RECEIPT-MISMATCH", "another record stands there", header.segment, seq)
    return None


async def call_of(given: Mapping[str, Any], url: str) -> str:
    """Which call a receipt is of that was found good: itself it names none."""
    async with reader.session(url) as connection:
        header = read_header(given["head"]["text"])
        body = await connection.fetchval(_BODY, header.day, header.segment, given["seq"])
    return again.call_of(body)


async def _missing(connection: Connection, header: Header, seq: int, keys: Keys) -> Finding:
    """Whether a signed statement says why the record of a genuine receipt is gone."""
    gone = await Gone.load(connection, header.day, keys, Report())
    stone = gone.stones.get(header.segment)
    if stone is not None and stone.day == header.day and seq <= stone.records:
        what = f"signed; {header.day} was retired with {stone.records} records of its segment"
        return _finding("RECEIPT-RETIRED", what, header.segment, seq)
    for restore in gone.restores:
        if restore.covers(header):
            return _finding("RESTORED", f"signed, and lost: {restore.told()}", header.segment, seq)
    return _finding("RECEIPT-TRUNCATED", "signed, and no longer there", header.segment, seq)


def _finding(kind: Kind, what: str, segment: UUID, seq: int) -> Finding:
    return Finding(kind, what, segment=segment, seq=seq)


def _unproved(kind: Kind, what: str, segment: UUID, seq: int) -> Proof:
    return Proof(None, None, (_finding(kind, what, segment, seq),))
