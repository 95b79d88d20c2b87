"""`audit tail`: every record, as it comes, for a SIEM. At least once; a record's id tells repeats.

The cursor moves after the lines are out: flushed to a pipe, or on disk with `--out`. A reader
of a pipe that dies takes along what it had not read: a feed that may lose nothing writes a file.
"""

import argparse
import asyncio
import os
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import IO, Any

import asyncpg
import orjson

from mcp_gateway.audit import reader
from mcp_gateway.audit.feed import cursor as tail_cursor
from mcp_gateway.audit.feed import ocsf
from mcp_gateway.audit.feed import rows as tail_feed
from mcp_gateway.audit.feed.cursor import Cursor, CursorError
from mcp_gateway.audit.feed.rows import New
from mcp_gateway.audit.reads import READER, NotRecordedError, reads
from mcp_gateway.audit.store import FAULTS, Connection

EVERY_SECONDS = 0.5
PAUSE_FIRST, PAUSE_MOST = 0.1, 5.0  # seconds between attempts to reach PostgreSQL again

Spell = Callable[[New], bytes]
Deliver = Callable[[bytes], None]


def as_json(one: New) -> bytes:
    """The record's own bytes inside a line that names its place."""
    place = {
        "id": f"{one.segment}/{one.seq}", "day": one.day.isoformat(),
        "segment": str(one.segment), "seq": one.seq, "block": one.block,
    }  # fmt: skip
    if _body(one) is None:
        return (
            orjson.dumps({**place, "record": None, "base64": b64encode(one.body).decode()}) + b"\n"
        )
    return orjson.dumps({**place, "record": orjson.Fragment(one.body)}) + b"\n"


def as_ocsf(one: New) -> bytes:
    body = _body(one)
    said = ocsf.event(
        one.day.isoformat(),
        str(one.segment),
        one.seq,
        {"base64": b64encode(one.body).decode()} if body is None else body,
    )
    return orjson.dumps(said) + b"\n"


FORMATS: dict[str, Spell] = {"json": as_json, "ocsf": as_ocsf}


async def tail(
    url: str,
    path: Path,
    deliver: Deliver,
    spell: Spell,
    *,
    since: date | None = None,
    once: bool = False,
    every: float = EVERY_SECONDS,
) -> None:
    """Until all is delivered (`once`), or for ever: an outage of PostgreSQL is waited for."""
    cursor = tail_cursor.load(path) or Cursor(since or date.min)
    pause = 0.0
    while True:
        try:
            connection = await asyncpg.connect(url, server_settings=reader.SETTINGS)
            try:
                while True:
                    idle = not await _pass(connection, cursor, path, deliver, spell)
                    pause = 0.0
                    if idle and once:
                        return
                    if idle:
                        await asyncio.sleep(every)
            finally:
                connection.terminate()
        except BrokenPipeError:
            raise
        except FAULTS as fault:
            if once:
                raise
            if not pause:
                _say(f"the ledger's database is away, waiting for it: {fault}")
            pause = min(PAUSE_MOST, pause * 2 or PAUSE_FIRST)
            await asyncio.sleep(pause)


async def _pass(
    connection: Connection, cursor: Cursor, path: Path, deliver: Deliver, spell: Spell
) -> bool:
    found = await tail_feed.new(connection, cursor)
    if not found:
        if await tail_feed.settle(connection, cursor):
            tail_cursor.save(path, cursor)
        return False
    for what in tail_feed.gaps(found, cursor):
        _say(f"{what}; run audit verify")
    deliver(b"".join(map(spell, found)))
    tail_feed.advance(cursor, found)
    tail_cursor.save(path, cursor)
    return True


def to_pipe(file: IO[bytes]) -> Deliver:
    def deliver(lines: bytes) -> None:
        file.write(lines)
        file.flush()

    return deliver


def to_file(path: Path) -> Deliver:
    """Appends, durably. A line that was cut off by a crash is ended first: it comes once more.

    Opened anew each time, so that it can be rotated by renaming.
    """

    def deliver(lines: bytes) -> None:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    return deliver


def _body(one: New) -> dict[str, Any] | None:
    try:
        said = orjson.loads(one.body)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) and b"\n" not in one.body else None


def _say(text: str) -> None:
    sys.stderr.write(f"audit tail: {text}\n")


def add(commands: Any) -> None:
    command = commands.add_parser("tail", help="every record as it comes, for a SIEM")
    command.add_argument("--cursor", type=Path, required=True, metavar="FILE")
    command.add_argument("--format", choices=sorted(FORMATS), default="json")
    command.add_argument("--out", type=Path, metavar="FILE", help="append there, durably")
    command.add_argument("--from", dest="since", type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--every", type=float, default=EVERY_SECONDS, metavar="SECONDS")
    command.add_argument("--once", action="store_true", help="end when all is delivered")
    command.add_argument("--lag", action="store_true", help="how far this cursor is behind")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    url = os.environ.get(READER)
    if not url:
        raise NotRecordedError(f"{READER} is not set: the ledger's URL for audit_reader")
    try:
        if options.lag:
            return await _lag(url, options.cursor)
        with tail_cursor.alone(options.cursor):
            await _recorded(options)
            deliver = to_file(options.out) if options.out else to_pipe(sys.stdout.buffer)
            await tail(
                url, options.cursor, deliver, FORMATS[options.format],
                since=options.since, once=options.once, every=options.every,
            )  # fmt: skip
    except CursorError as error:
        raise NotRecordedError(str(error)) from error
    except BrokenPipeError:
        # nothing more can be said on it, also not by the interpreter's own flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _say("the reader of this feed has gone; start it again, nothing is lost")
        return 1
    return 0


async def _recorded(options: argparse.Namespace) -> None:
    """That a feed was started is on the record, where there is the right to write it."""
    detail = {
        "format": options.format,
        "cursor": options.cursor.name,
        "to": str(options.out or "-"),
    }
    async with reads(off_record=False, optional=True) as on_record:
        await on_record.record("ledger_tail_begun", detail)


async def _lag(url: str, path: Path) -> int:
    """In the text format of Prometheus, which people read as well."""
    cursor = tail_cursor.load(path) or Cursor()
    async with reader.session(url) as connection:
        behind = await tail_feed.lag(connection, cursor)
    lines: Sequence[str] = (
        f"mcp_audit_tail_lag_records {behind.records}",
        f"mcp_audit_tail_lag_seconds {behind.seconds:.3f}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
