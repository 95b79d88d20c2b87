"""`python -m mcp_gateway.audit`: keys, roles, verify, export, settle, show, and what duties has."""

import argparse
import asyncio
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from mcp_gateway.audit import keys, reading, search
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints import options as checkpoint_options
from mcp_gateway.audit.duties import commands as duties
from mcp_gateway.audit.duties.settle import YOUNGEST_MINUTES
from mcp_gateway.audit.exports import export
from mcp_gateway.audit.exports import options as offline_options
from mcp_gateway.audit.feed import tail
from mcp_gateway.audit.findings import MEANING, Finding, Report
from mcp_gateway.audit.lookup import call_of, verify_receipt
from mcp_gateway.audit.payload import create_kek
from mcp_gateway.audit.reads import NotRecordedError
from mcp_gateway.audit.statements import gone
from mcp_gateway.audit.verify import OPEN_MINUTES, verify

SOUND, FOUND, UNUSABLE = 0, 1, 2  # exit codes
TOUCHED = (
    "What to do: stop changing this database; keep a copy of it, its server logs and backups;",
    "compare with the receipts of the callers concerned; find who held which login then.",
)
LEFT_OPEN = (
    "What to do: a gateway that died leaves such calls. Find out in its system what each one did,",
    "then put that on the record: python -m mcp_gateway.audit settle --call ID --reason …",
)


class UsageError(Exception):
    """The command cannot run as it was called; the message says what is missing."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = asyncio.run(options.run(options))
        return code
    except (UsageError, NotRecordedError, keys.KeyFileError) as error:
        print(f"audit: {error}", file=sys.stderr)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"audit: the ledger's database cannot be read: {error}", file=sys.stderr)
    return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mcp_gateway.audit", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("keygen", help="make the signing key unless there is one")
    command.set_defaults(run=_keygen)
    command = commands.add_parser("migrate", help="roles and schema, as the administrator")
    command.set_defaults(run=_migrate)

    command = commands.add_parser("verify", help="recompute everything; exit 1 on any finding")
    command.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--open-minutes", type=int, default=OPEN_MINUTES, metavar="N")
    command.add_argument("--receipt", type=Path, metavar="FILE", help="one caller's receipt only")
    checkpoint_options.add(command)
    offline_options.add(command)
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_verify)

    for one in (export, tail, search, duties):
        one.add(commands)

    command = commands.add_parser("settle", help="record that a call's outcome stays unknown")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--call", metavar="ID", help="the call that `verify` names")
    which.add_argument("--all", action="store_true", help="every call that is old enough")
    command.add_argument("--reason", required=True, help="what was found out; on the record")
    command.add_argument("--minutes", type=int, default=YOUNGEST_MINUTES, metavar="N")
    command.set_defaults(run=_settle)

    command = commands.add_parser("show", help="the newest records")
    command.add_argument("--person")
    command.add_argument("--tool")
    command.add_argument("--decision", choices=("allow", "deny", "limit", "error"))
    command.add_argument("--limit", type=int, default=20)
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_show)

    command = commands.add_parser("stats", help="how much is recorded")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_stats)
    return parser


async def _keygen(_: argparse.Namespace) -> int:
    path = _folder() / keys.PRIVATE_NAME
    made = keys.create(path)
    create_kek(_folder())
    checkpoint_key.create(_folder())
    print(f"{'made' if made else 'already there'}: {path}")
    return SOUND


async def _migrate(_: argparse.Namespace) -> int:
    from mcp_gateway.audit.migrate import migrate  # its libraries take a second to load

    await migrate(
        _env("LEDGER_ADMIN_URL", "the administrator's URL of the ledger's database"),
        _env("LEDGER_WRITER_PASSWORD", "the password audit_writer shall have"),
        _env("LEDGER_READER_PASSWORD", "the password audit_reader shall have"),
    )
    print("the ledger's roles and schema are up to date")
    return SOUND


async def _verify(options: argparse.Namespace) -> int:
    if options.export is not None:
        return offline_options.verify(options)
    trusted = keys.load_public(_folder() / keys.PUBLIC_NAME)
    if options.receipt is not None:
        return await _verify_receipt(options, trusted)
    witnessed = checkpoint_options.witnessed(options, _folder())
    report = await verify(
        _reader(),
        trusted,
        since=options.since,
        open_minutes=options.open_minutes,
        witnessed=witnessed,
    )
    checkpoint_options.remember(options, _folder(), witnessed)
    if options.json:
        _print_json(report.as_json())
    else:
        print(_report(report))
    return SOUND if report.sound else FOUND


async def _verify_receipt(options: argparse.Namespace, trusted: dict[str, Any]) -> int:
    try:
        given = orjson.loads(options.receipt.read_bytes())
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{options.receipt}: not JSON: {error}") from error
    url = os.environ.get("GATEWAY_LEDGER_READER_URL")
    finding = await verify_receipt(given, trusted, url)
    if options.json:
        _print_json({"sound": finding is None, "finding": finding, "ledger_asked": url is not None})
    elif finding is not None:
        print(_failure([finding], 1))
    else:
        where = "and the ledger still holds it" if url else "(the ledger itself was not asked)"
        print(f"OK  record {given['seq']} of segment {given['segment']} was signed, {where}")
        if url:
            print(printable(f"    {await call_of(given, url)}"))
    return SOUND if finding is None else FOUND


async def _settle(options: argparse.Namespace) -> int:
    from mcp_gateway.audit.duties.settle import settle
    from mcp_gateway.audit.ledger import Ledger
    from mcp_gateway.audit.waiting import LedgerDown
    from mcp_gateway.switches.cli import operator

    writer = _env("GATEWAY_LEDGER_URL", "the ledger's URL for audit_writer")
    by = operator()
    try:
        ledger = await Ledger.open(writer, _folder() / keys.PRIVATE_NAME, "operator")
        try:
            done = await settle(
                _reader(), ledger,
                rid=options.call, why=options.reason, by=by, minutes=options.minutes,
            )  # fmt: skip
        finally:
            await ledger.aclose()
    except LedgerDown as error:
        raise UsageError(f"not recorded: {error}") from error
    if not done:
        raise UsageError(f"no such call is open and older than {options.minutes} minutes")
    for one in done:
        print(printable(f"call {one.rid} of {one.person} to {one.target}: its outcome is unknown"))
    print(f"on the record as {printable(by)}")
    return SOUND


async def _show(options: argparse.Namespace) -> int:
    if not 1 <= options.limit <= 10_000:
        raise UsageError("--limit takes 1 to 10000")
    rows = await reading.show(
        _reader(),
        person=options.person,
        tool=options.tool,
        decision=options.decision,
        limit=options.limit,
    )
    if options.json:
        _print_json(rows)
        return SOUND
    for row in reversed(rows):
        print(_line(row))
    return SOUND


async def _stats(options: argparse.Namespace) -> int:
    found = await reading.stats(_reader())
    if options.json:
        _print_json(found)
        return SOUND
    records, blocks = found["records"], found["blocks"]
    print(f"{records:,} records in {blocks:,} signed blocks, {found['segments']:,} segments")
    if records:
        size = (found["record_bytes"] + found["block_bytes"]) / records
        print(f"{found['body_bytes']:.0f} bytes a body, {size:.0f} on disk with blocks and indexes")
    for row in found["by_kind"]:
        words = " ".join(printable(row[name] or "-") for name in ("kind", "decision", "status"))
        print(f"{row['records']:>12,}  {words}")
    return SOUND


def _report(report: Report) -> str:
    rate = report.records / report.seconds if report.seconds else 0
    size = f"{report.records:,} records, {report.blocks:,} blocks, {report.segments:,} segments"
    lines = [
        f"{size} verified in {report.seconds:.1f} s ({rate:,.0f} records/s)",
        f"trusted keys: {', '.join(report.keys)}",
    ]
    if report.open:
        lines.append(f"under way: {len(report.open)} calls have an intent and no outcome yet")
    lines += gone.told(report)
    if report.sound:
        lines.append("OK  everything stored is what was signed")
        lines += checkpoint_options.told(report)
    else:
        lines.append(_failure(report.findings, report.total))
    return "\n".join(lines)


def _failure(findings: list[Finding], total: int) -> str:
    kinds = sorted({finding.kind for finding in findings})
    lines = [f"FAILED  {total} finding{'s' if total != 1 else ''}; the first:"]
    lines += [f"  {f.kind:<22} {printable(f'{f.place()}: {f.what}')}" for f in findings[:20]]
    if total > 20:
        lines.append(f"  … and {total - 20} more (--json lists {len(findings)})")
    lines += [f"  {kind}: {MEANING[kind]}" for kind in kinds]
    return "\n".join([*lines, *(LEFT_OPEN if kinds == ["OPEN-INTENT"] else TOUCHED)])


def _line(row: dict[str, Any]) -> str:
    moment = row["ts"].isoformat(timespec="milliseconds") if row["ts"] else "-"
    target = ".".join(row[name] for name in ("server", "tool") if row[name]) or row["method"]
    latency = f"{row['latency_ms']:.1f} ms" if row["latency_ms"] is not None else ""
    words = [row["kind"], row["person"], row["agent"], target, row["decision"], row["status"]]
    tail = [row["reason"] or "", latency]
    return "  ".join([moment, *(printable(word or "-") for word in words), *map(printable, tail)])


def printable(text: str) -> str:
    """Without anything that could steer a terminal or turn the line around: callers chose it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _print_json(value: Any) -> None:
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def _env(name: str, meaning: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"{name} is not set: {meaning}")
    return value


def _reader() -> str:
    return _env("GATEWAY_LEDGER_READER_URL", "the ledger's URL for audit_reader")


def _folder() -> Path:
    return Path(_env("GATEWAY_KEYS", "the folder that holds ledger.pub"))
