"""`audit search`: records by person, tool, decision, status, time, trace or call, a page at a time.

Who searched for what is on the record before the first row is read. A search without a call's or a
person's name reads a window of time, a week unless one is given: the ledger is indexed for writing.
"""

import argparse
import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from mcp_gateway.audit import reader
from mcp_gateway.audit.offline.report import printable
from mcp_gateway.audit.reads import READER, NotRecordedError, reads

WINDOW = timedelta(days=7)
MOST = 1_000
STATEMENT_SECONDS = 30
COLUMNS = (
    "ts", "kind", "person", "agent", "server", "tool", "method", "decision", "status", "reason",
    "latency_ms", "rid", "trace", "seg_day", "seg", "seq",
)  # fmt: skip
_PLACE = re.compile(r"(\S{20,40})~([0-9a-f-]{36})~(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    person: str | None = None
    tool: str | None = None
    decision: str | None = None
    status: str | None = None
    trace: str | None = None
    rid: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID, int] | None = None
    limit: int = 50

    def said(self) -> dict[str, Any]:
        """As the record of this reading has it."""
        names = ("person", "tool", "decision", "status", "trace", "rid", "kind")
        found = {name: value for name in names if (value := getattr(self, name)) is not None}
        for name in ("since", "until"):
            moment: datetime | None = getattr(self, name)
            if moment is not None:
                found[name] = moment.isoformat()
        return {**found, "limit": self.limit, "page": "first" if self.before is None else "next"}


def query(wanted: Wanted) -> tuple[str, list[Any]]:
    """Only the conditions that are asked for, so that each can use its index."""
    conditions: list[str] = []
    values: list[Any] = []

    def where(condition: str, *given: Any) -> None:
        places = [f"${len(values) + n}" for n in range(1, len(given) + 1)]
        conditions.append(condition.format(*places))
        values.extend(given)

    for name in ("person", "tool", "decision", "status", "trace", "rid", "kind"):
        value = getattr(wanted, name)
        if value is not None:
            where(name + " = {}", value)
    if wanted.since is not None:
        where("ts >= {}", wanted.since)
        where("seg_day >= {}", (wanted.since - timedelta(days=1)).date())
    if wanted.until is not None:
        where("ts < {}", wanted.until)
        where("seg_day <= {}", (wanted.until + timedelta(days=1)).date())
    if wanted.before is not None:
        where("(ts, seg, seq) < ({}, {}, {})", *wanted.before)
    text = (
        f"SELECT {', '.join(COLUMNS)} FROM audit.record "  # noqa: S608  constants of this file
        f"WHERE {' AND '.join(conditions) or 'true'} "
        f"ORDER BY ts DESC NULLS LAST, seg DESC, seq DESC LIMIT {wanted.limit + 1:d}"
    )
    return text, values


async def search(url: str, wanted: Wanted) -> tuple[list[dict[str, Any]], str | None]:
    """The newest first, and where the next page begins."""
    text, values = query(wanted)
    async with reader.session(url, statement_timeout=f"{STATEMENT_SECONDS}s") as connection:
        rows = [dict(row) for row in await connection.fetch(text, *values)]
    if len(rows) <= wanted.limit or rows[wanted.limit - 1]["ts"] is None:
        return rows[: wanted.limit], None
    last = rows[wanted.limit - 1]
    return rows[: wanted.limit], f"{last['ts'].isoformat()}~{last['seg']}~{last['seq']}"


def moment(text: str) -> datetime:
    """A day or an instant; UTC where it names no zone."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def place(text: str) -> tuple[datetime, UUID, int]:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError("not a page of a search")
    return moment(found[1]), UUID(found[2]), int(found[3])


def add(commands: Any) -> None:
    command = commands.add_parser("search", help="records by person, tool, time and more")
    for name in ("person", "tool", "trace", "rid"):
        command.add_argument(f"--{name}")
    command.add_argument("--decision", choices=("allow", "deny", "limit", "error"))
    command.add_argument("--status")
    command.add_argument("--kind", choices=("intent", "outcome", "refusal", "event"))
    command.add_argument("--since", type=moment, metavar="TIME", help="a day or an instant, UTC")
    command.add_argument("--until", type=moment, metavar="TIME")
    command.add_argument("--before", type=place, metavar="PAGE", help="as the page before names it")
    command.add_argument("--limit", type=int, default=50)
    command.add_argument("--json", action="store_true")
    command.add_argument("--off-record", action="store_true", help="without the right to record it")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    url = os.environ.get(READER)
    if not url:
        raise NotRecordedError(f"{READER} is not set: the ledger's URL for audit_reader")
    if not 1 <= options.limit <= MOST:
        raise NotRecordedError(f"--limit takes 1 to {MOST}")
    named = options.rid or options.person
    since = options.since or (None if named else datetime.now(UTC) - WINDOW)
    names = ("person", "tool", "decision", "status", "trace", "rid", "kind", "until", "before")
    wanted = Wanted(
        **{name: getattr(options, name) for name in names}, since=since, limit=options.limit
    )
    async with reads(off_record=options.off_record) as on_record:
        await on_record.record("ledger_read", wanted.said())
        rows, more = await search(url, wanted)
    if options.json:
        said = {"records": rows, "next": more}
        sys.stdout.buffer.write(orjson.dumps(said, option=orjson.OPT_INDENT_2, default=str) + b"\n")
        return 0
    sys.stdout.write("".join(f"{line}\n" for line in table(rows)))
    if more:
        sys.stdout.write(f"older: --before {more}\n")
    elif not rows and not options.since and not named:
        sys.stdout.write(f"nothing within {WINDOW.days} days; --since looks further back\n")
    return 0


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Columns as wide as what stands in them."""
    heads = ("when, UTC", "kind", "person", "agent", "target", "decision", "status", "ms", "call")
    lines = [heads, *map(_cells, rows)] if rows else []
    widths = [max(len(line[n]) for line in lines) for n in range(len(heads))] if lines else []
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    when = row["ts"].astimezone(UTC).isoformat(" ", "milliseconds")[:-6] if row["ts"] else "-"
    target = ".".join(row[name] for name in ("server", "tool") if row[name])
    words = (
        row["kind"], row["person"], row["agent"], target or row["method"] or row["reason"],
        row["decision"], row["status"] or (row["reason"] if target else None),
    )  # fmt: skip
    latency = "" if row["latency_ms"] is None else f"{row['latency_ms']:.1f}"
    call = row["rid"] or f"{row['seg']}/{row['seq']}"
    return (when, *(printable(word or "-") for word in words), latency, printable(call))
