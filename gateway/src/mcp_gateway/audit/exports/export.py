"""`audit export`: the ledger of some days in one file that proves itself to whoever has the key.

One snapshot, streamed: memory does not grow with the ledger. That it was made, by whom and with
which digest, is a record of the ledger; that record and its receipt lie beside the file.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mcp_gateway.audit import keys, reader
from mcp_gateway.audit.exports import lines as export_lines
from mcp_gateway.audit.exports.file import SUFFIXES, Sink, sink
from mcp_gateway.audit.offline.proof import SUFFIX
from mcp_gateway.audit.reads import READER, NotRecordedError, Reads, reads
from mcp_gateway.audit.store import Connection
from mcp_gateway.audit.waiting import Entry

AT_A_TIME, PAYLOADS_AT_A_TIME = 2_000, 50  # rows held in memory

_SEGMENTS = """
    SELECT known.seg_day, known.seg, s.replica, s.opened, s.login, s.client FROM (
        SELECT seg_day, seg FROM audit.segment
        UNION SELECT DISTINCT seg_day, seg FROM audit.block
        UNION SELECT DISTINCT seg_day, seg FROM audit.record
    ) known LEFT JOIN audit.segment s ON (s.seg, s.seg_day) = (known.seg, known.seg_day)
    WHERE known.seg_day BETWEEN $1 AND $2 ORDER BY known.seg_day, known.seg
"""
_STATEMENTS = """
    SELECT statement, signature FROM audit.tombstone WHERE seg_day BETWEEN $1 AND $2
    UNION ALL SELECT statement, signature FROM audit.restored
"""
_BLOCKS = """
    SELECT block, first_seq, count, prev, root, signed_at, key, signature, db_ts FROM audit.block
    WHERE seg_day = $1 AND seg = $2 ORDER BY block
"""
_RECORDS = "SELECT seq, body FROM audit.record WHERE seg_day = $1 AND seg = $2 ORDER BY seq"
_PAYLOADS = """
    SELECT r.seq, p.rid, p.key_id, p.nonce, p.ct
    FROM audit.record r JOIN audit.payload p ON p.seg_day = r.seg_day AND p.rid = r.rid
    WHERE r.seg_day = $1 AND r.seg = $2 AND r.kind IN ('intent', 'refusal') ORDER BY r.seq
"""
_BODY = "SELECT body FROM audit.record WHERE seg = $1 AND seq = $2"


@dataclass(frozen=True, slots=True)
class Exported:
    segments: int
    blocks: int
    records: int
    bytes: int  # before compression
    sha256: str


class _Rows:
    """A query's rows, some at a time."""

    def __init__(self, cursor: Any, at_a_time: int = AT_A_TIME) -> None:
        self._cursor = cursor
        self._at_a_time = at_a_time
        self._rows: Sequence[Any] = ()
        self._at = 0

    async def more(self) -> bool:
        if self._at >= len(self._rows):
            self._rows, self._at = await self._cursor.fetch(self._at_a_time), 0
        return bool(self._rows)

    def take(self) -> Any:
        self._at += 1
        return self._rows[self._at - 1]

    def upto(self, seq: int) -> Sequence[Any]:
        """Of those at hand, the rows whose first column is at most this."""
        start = self._at
        while self._at < len(self._rows) and self._rows[self._at][0] <= seq:
            self._at += 1
        return self._rows[start : self._at]


async def export(
    url: str,
    out: Sink,
    *,
    since: date,
    until: date,
    trusted: Mapping[str, Ed25519PublicKey],
    checkpoints: Sequence[Path] = (),
    payloads: bool = False,
) -> Exported:
    """Everything of these days, both included; `payloads`: encrypted arguments, too."""
    # read before the snapshot is taken: the ledger then holds whatever they name
    witnessed = [export_lines.checkpoint(*one) for one in map(_named, checkpoints)]
    async with reader.snapshot(url) as connection:
        made: datetime = await connection.fetchval("SELECT clock_timestamp()")
        out.write(export_lines.first(since, until, made.astimezone(UTC), payloads=payloads))
        for name, key in sorted(trusted.items()):
            out.write(export_lines.key(name, key.public_bytes_raw()))
        out.write(b"".join(witnessed))
        for row in await connection.fetch(_STATEMENTS, since, until):
            out.write(export_lines.statement(row[0], row[1]))
        segments = await connection.fetch(_SEGMENTS, since, until)
        blocks = records = 0
        for row in segments:
            out.write(export_lines.segment(dict(row)))
            counts = await _segment(connection, row, out, payloads=payloads)
            blocks, records = blocks + counts[0], records + counts[1]
    digest = out.digest
    out.write(export_lines.last(len(segments), blocks, records, digest))
    out.flush()
    return Exported(len(segments), blocks, records, out.bytes, digest)


async def _segment(
    connection: Connection, row: asyncpg.Record, out: Sink, *, payloads: bool
) -> tuple[int, int]:
    place = (row["seg_day"], row["seg"])
    heads = _Rows(await connection.cursor(_BLOCKS, *place))
    rows = _Rows(await connection.cursor(_RECORDS, *place))
    sealed = None
    if payloads:
        sealed = _Rows(await connection.cursor(_PAYLOADS, *place), PAYLOADS_AT_A_TIME)
    blocks = records = 0
    while await heads.more():
        head = heads.take()
        out.write(export_lines.block(dict(head)))
        blocks += 1
        last = head["first_seq"] + head["count"] - 1
        records += await _lines(rows, export_lines.record, last, out)
        if sealed is not None:
            await _lines(sealed, export_lines.payload, last, out)
    records += await _lines(
        rows, export_lines.record, 2**63 - 1, out
    )  # what no block covers is shown, too
    return blocks, records


async def _lines(rows: _Rows, line: Callable[[Sequence[Any]], bytes], last: int, out: Sink) -> int:
    count = 0
    while await rows.more():
        found = rows.upto(last)
        if not found:
            break
        out.write(b"".join(map(line, found)))
        count += len(found)
    return count


async def recorded(
    url: str, path: Path, on_record: Reads, *, since: date, until: date,
    trusted: Mapping[str, Ed25519PublicKey], checkpoints: Sequence[Path] = (),
    payloads: bool = False,
) -> Exported:  # fmt: skip
    """The export to a file, its beginning and its end on the record, the proof beside it."""
    days = {"since": since.isoformat(), "until": until.isoformat(), "payloads": payloads}
    await on_record.record("ledger_export_begun", {**days, "file": path.name})
    with sink(path) as out:
        done = await export(
            url, out, since=since, until=until, trusted=trusted, checkpoints=checkpoints,
            payloads=payloads,
        )  # fmt: skip
    entry = await on_record.record("ledger_exported", {**days, "file": path.name, **asdict(done)})
    await prove(url, path, entry)
    return done


async def prove(url: str, path: Path, entry: Entry | None) -> None:
    """Put the record of an export's making beside it, with its receipt."""
    proof = path.with_name(path.name + SUFFIX)
    proof.unlink(missing_ok=True)  # an earlier export's would accuse this one
    if entry is not None:
        async with reader.session(url) as connection:
            body: bytes = await connection.fetchval(_BODY, entry.segment, entry.seq)
        said = {"body": body.decode(), "receipt": entry.receipt()}
        proof.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2))


def _named(path: Path) -> tuple[str, bytes]:
    return f"{path.parent.name}/{path.name}", path.read_bytes()


def _entries(folder: Path | None) -> list[Path]:
    """In the order a directory of checkpoints keeps them."""
    if folder is None:
        return []
    return sorted(p for p in folder.glob("*/*") if p.is_file() and p.name[:1] != ".")


def _size(path: Path) -> int:
    return path.stat().st_size


def add(commands: Any) -> None:
    command = commands.add_parser("export", help="some days with their proof, in one file")
    command.add_argument("--from", dest="since", type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--to", dest="until", type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--out", type=Path, metavar="FILE", help="ends in .jsonl.zst or .jsonl.gz")
    command.add_argument("--checkpoints", type=Path, metavar="FOLDER", help="taken along")
    command.add_argument("--payloads", action="store_true", help="encrypted arguments, no keys")
    command.add_argument("--off-record", action="store_true", help="without the right to record it")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    url, folder = os.environ.get(READER), os.environ.get("GATEWAY_KEYS")
    if not url or not folder:
        raise NotRecordedError(f"{READER} and GATEWAY_KEYS say where the ledger and its key are")
    today = datetime.now(UTC).date()
    since, until = options.since or today, options.until or today
    path: Path = options.out or Path(f"ledger-{since}-to-{until}.jsonl.zst")
    if not path.name.endswith(SUFFIXES):
        raise NotRecordedError(f"--out ends in one of {', '.join(SUFFIXES)}")
    if since > until:
        raise NotRecordedError("--from is after --to")
    trusted = keys.load_public(Path(folder) / keys.PUBLIC_NAME)
    started = time.perf_counter()
    async with reads(off_record=options.off_record) as on_record:
        done = await recorded(
            url, path, on_record, since=since, until=until, trusted=trusted,
            checkpoints=_entries(options.checkpoints), payloads=options.payloads,
        )  # fmt: skip
    seconds, size = time.perf_counter() - started, _size(path)
    say(
        f"{done.records:,} records, {done.blocks:,} blocks, {done.segments:,} segments to {path} "
        f"({size:,} bytes) in {seconds:.1f} s",
        f"verify it anywhere: python verify.pyz {path.name} --key ledger.pub",
        "  (`make audit-verifier` writes verify.pyz; ledger.pub is among the gateway's keys)",
    )
    return 0


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
