"""Retiring days: exported, the export verified, tombstones signed, then the partitions dropped.

Two people, both on the record, and in this order: what cannot be exported and verified stays. A day
goes as a whole, with the encrypted arguments of its calls and the keys to them. Told to keep those,
its export carries the arguments and the keys stay, to be destroyed by erasing a person, or all at
once by retiring the day again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from mcp_gateway.audit import calls, merkle, reader
from mcp_gateway.audit import keys as key_files
from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.chain import BLOCK_COLUMNS, read_block
from mcp_gateway.audit.duties.two_names import Approval, approve
from mcp_gateway.audit.exports.export import export, prove
from mcp_gateway.audit.exports.file import sink
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.offline.trust import load as load_trust
from mcp_gateway.audit.offline.verify import verify as verify_export
from mcp_gateway.audit.statements.tombstone import Tombstone
from mcp_gateway.audit.store import Connection

# a call may begin before midnight, and a commit in doubt be repeated after it
YOUNGEST: Final = timedelta(days=1)
LOCK_SECONDS: Final = 10  # a partition goes at once or not: calls queue behind whoever waits

_DAYS = """
    SELECT seg_day FROM audit.block WHERE seg_day < $1
    UNION SELECT seg_day FROM audit.subject_key WHERE seg_day < $1 AND NOT $2 ORDER BY 1
"""
_GONE = "SELECT NOT EXISTS (SELECT FROM audit.block WHERE seg_day = $1)"
_KEYS = "SELECT count(*) FROM audit.subject_key WHERE seg_day = $1"
_SEGMENTS = "SELECT DISTINCT seg FROM audit.block WHERE seg_day = $1 ORDER BY seg"
_BLOCKS = (
    f"SELECT {BLOCK_COLUMNS} FROM audit.block "  # noqa: S608  constants of this package
    "WHERE seg_day = $1 AND seg = $2 ORDER BY block"
)
_STONE = """
    INSERT INTO audit.tombstone
        (seg, seg_day, records, head, proposed_by, approved_by, statement, signature)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


class NotRetiredError(Exception):
    """A day stays; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where days are retired: the ledger, its reader, its administrator, the keyring, exports."""

    ledger: Ledger
    reader_url: str
    admin_url: str
    keyring: Path
    trusted: Keys
    exports: Path


@dataclass(frozen=True, slots=True)
class Retired:
    day: date
    segments: int
    records: int
    file: Path | None
    keys: int = 0  # of a day that had gone before

    def told(self) -> str:
        if self.file is None:
            return f"{self.day}: had gone; {self.keys} keys to its arguments are destroyed"
        return f"{self.day}: {self.records:,} records, {self.segments} segments; {self.file}"


async def days_before(reader_url: str, before: date, *, keep: bool = False) -> list[date]:
    """The days that would go. NotRetiredError when `before` is too near."""
    if before > datetime.now(UTC).date() - YOUNGEST + timedelta(days=1):
        raise NotRetiredError("today's and yesterday's last calls may still be written; wait a day")
    async with reader.session(reader_url) as connection:
        return [row[0] for row in await connection.fetch(_DAYS, before, keep)]


def scope(before: date, *, keep: bool = False) -> dict[str, Any]:
    """What a proposal names."""
    return {"before": before.isoformat()} | ({"arguments": "kept"} if keep else {})


async def retire(
    place: Place, before: date, *, proposal: str, by: str, keep: bool = False
) -> list[Retired]:
    """Each day for itself, oldest first; what went before a failure has gone whole.

    `keep` the encrypted arguments in the exports, and the keys to them here.

    Raises:
        NotApprovedError, NotRetiredError, LedgerDown: nothing more has changed.

    """
    days = await days_before(place.reader_url, before, keep=keep)
    approval = await approve(
        place.ledger, place.reader_url, place.trusted, "retire", scope(before, keep=keep),
        proposal=proposal, by=by,
    )  # fmt: skip
    return [await _day(place, day, approval, keep=keep) for day in days]


async def _day(place: Place, day: date, approval: Approval, *, keep: bool) -> Retired:
    async with reader.session(place.reader_url) as connection:
        if await connection.fetchval(_GONE, day):
            return await _keys(place, day, await connection.fetchval(_KEYS, day), approval)
    file = place.exports / f"ledger-{day.isoformat()}.jsonl.zst"
    if file.exists():
        raise NotRetiredError(f"{file} is there already; move it away")
    place.exports.mkdir(mode=0o700, parents=True, exist_ok=True)
    with sink(file) as out:
        written = await export(
            place.reader_url, out, since=day, until=day, trusted=_named(place.trusted),
            payloads=keep,
        )  # fmt: skip
    try:
        digest = await _verified(place, day, file)
    except NotRetiredError:
        file.unlink()  # nobody should take it for the day's export
        raise
    stones = await _stones(place.reader_url, day)
    if sum(stone.records for stone in stones) != written.records:
        raise NotRetiredError(f"{day}: the export has other records than the ledger; verify it")
    export_ = {"file": file.name, "sha256": digest}
    await _drop(place, day, stones, approval, export_, keep=keep)
    retired = Retired(day, len(stones), written.records, file)
    detail = {
        "day": day.isoformat(), "segments": retired.segments, "records": retired.records,
        "export": file.name, "sha256": digest, "proposal": approval.proposal,
        "by": approval.approved_by, "arguments": "kept" if keep else "gone",
    }  # fmt: skip
    entry = await place.ledger.append("event", {"reason": "day_retired", "detail": detail})
    await prove(place.reader_url, file, entry)
    return retired


async def _keys(place: Place, day: date, keys: int, approval: Approval) -> Retired:
    """Of a day that went before, and whose keys stayed."""
    names = {"proposal": approval.proposal, "by": approval.approved_by}
    detail = {"day": day.isoformat(), "keys": keys, **names}
    await place.ledger.append("event", {"reason": "day_keys_destroyed", "detail": detail})
    await _drop(place, day, [], approval, {}, keep=False)
    return Retired(day, 0, 0, None, keys)


async def _verified(place: Place, day: date, file: Path) -> str:
    """The file as it lies there now, by the verifier that auditors use; its digest."""
    trust = load_trust(place.keyring / key_files.PUBLIC_NAME)
    report, digest = verify_export(str(file), trust, jobs=1)
    async with reader.session(place.reader_url) as connection:
        if rid := await calls.open_one(connection, day):
            raise NotRetiredError(f"call {rid} has no outcome; settle it first")
    wrong = [finding for finding in report.findings if finding.kind != "OPEN-INTENT"]
    if wrong:
        raise NotRetiredError(f"{file} does not verify: {wrong[0].kind} {wrong[0].what}")
    return digest


async def _stones(reader_url: str, day: date) -> list[Tombstone]:
    async with reader.session(reader_url) as connection:
        return [
            await _stone(connection, day, row["seg"])
            for row in await connection.fetch(_SEGMENTS, day)
        ]


async def _stone(connection: Connection, day: date, segment: UUID) -> Tombstone:
    blocks = [
        read_block(day, segment, tuple(row))
        for row in await connection.fetch(_BLOCKS, day, segment)
    ]
    hashes = [block.hash() for block in blocks]
    last = blocks[-1].header
    root = merkle.root([merkle.leaf_hash(one) for one in hashes])
    return Tombstone(day, segment, last.last_seq, last.block, hashes[-1], root)


async def _drop(
    place: Place, day: date, stones: list[Tombstone], approval: Approval,
    export_: Mapping[str, str], *, keep: bool,
) -> None:  # fmt: skip
    key = key_files.load_private(place.keyring / key_files.PRIVATE_NAME)
    names = (approval.proposed_by, approval.approved_by)
    now = datetime.now(UTC)
    connection = await asyncpg.connect(place.admin_url)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE audit_maint")
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            for stone in stones:
                text, signature = stone.sign(key, at=now, export=export_, names=names)
                await connection.execute(
                    _STONE, stone.segment, day, stone.records, stone.head, *names, text, signature
                )
            await connection.fetchval("SELECT audit.retire($1, $2)", day, keep)
    finally:
        await connection.close()


def _named(trusted: Keys) -> dict[str, Any]:
    return dict(trusted)
