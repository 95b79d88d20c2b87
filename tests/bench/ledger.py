"""The ledger alone: durable records per second, what a record waits, what it costs, how fast it verifies.

    PYTHONPATH=tests python -m bench.ledger [--seconds 5] [--outstanding 1 32 128] [--keep]

Its own throw-away PostgreSQL, fsync on. What a record waits is what it adds to its call, twice.
Figures of a shared machine say little without the flush that was measured beside them.
"""

import argparse
import asyncio
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from bench import machine
from gateway.audit.conftest import READER, WRITER, as_role
from gateway.made import a_call, a_principal, a_rule
from msgspec.structs import replace

from mcp_gateway.audit import keys
from mcp_gateway.audit.exports import export
from mcp_gateway.audit.exports import file as export_file
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.audit.offline import trust
from mcp_gateway.audit.offline import verify as offline_verify
from mcp_gateway.audit.verify import verify
from mcp_gateway.call import Answer, Grant
from mcp_gateway.record import Recorder
from mcp_local import postgres

ROOT = Path(__file__).parents[2]
WARM_SECONDS = 0.5
EXPORT = "ledger.jsonl.zst"
BODY: dict[str, Any] = {
    "rid": "", "iss": "http://localhost:8081/realms/mcp", "sub": "0f2b9d0e-6f0e-4a8e-9d54-1d7a3a0a4b6f",
    "person": "ana", "agent": "desk-assistant", "roles": ["analyst"], "method": "tools/call",
    "server": "warehouse", "tool": "get_metric",
    "args": {"metric": "revenue", "group_by": ["region", "month"], "note": "x" * 120},
    "args_c": "9f" * 32, "decision": "allow", "reason": "role", "policy": "3c" * 16,
    "definition": "7b" * 16, "status": "ok", "latency_ms": 3.25, "bytes": 1180,
    "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "era": "2026-07-28",
}  # fmt: skip


@dataclass(frozen=True)
class Load:
    what: str
    outstanding: int
    per_second: float
    p50: float  # ms
    p99: float
    cpu_us: float
    per_block: float
    flush: float  # ms, median, measured just before


@dataclass
class Figures:
    loads: list[Load] = field(default_factory=list)
    records: int = 0
    body_bytes: float = 0.0
    disk_bytes: float = 0.0
    exported_bytes: float = 0.0
    # records per second
    verified: float = 0.0
    verified_export: float = 0.0
    findings: int = 0


async def measured(
    what: str,
    one: Callable[[str], Awaitable[Any]],
    ledger: Ledger,
    outstanding: int,
    seconds: float,
    folder: Path,
) -> Load:
    """`outstanding` callers, each one after the other; records are counted, waits are of `one`."""
    waits: list[float] = []

    async def callers(until: float) -> None:
        async def caller(number: int) -> None:
            count = 0
            while (start := time.perf_counter()) < until:
                count += 1
                await one(f"{until}-{number}-{count}")
                waits.append(time.perf_counter() - start)

        await asyncio.gather(*(caller(number) for number in range(outstanding)))

    await callers(time.perf_counter() + WARM_SECONDS)
    waits.clear()
    flush, _ = await asyncio.to_thread(machine.flush_ms, folder)
    records, blocks, cpu = ledger.records, ledger.blocks, time.process_time()
    await callers(time.perf_counter() + seconds)
    cpu, records = time.process_time() - cpu, ledger.records - records
    waits.sort()
    return Load(
        what=what,
        outstanding=outstanding,
        per_second=records / seconds,
        p50=waits[len(waits) // 2] * 1000,
        p99=waits[len(waits) * 99 // 100] * 1000,
        cpu_us=cpu / len(waits) * 1e6,
        per_block=records / max(1, ledger.blocks - blocks),
        flush=flush,
    )


def both_records(ledger: Ledger) -> Callable[[str], Awaitable[Any]]:
    """What a call costs the recorder: redaction, intent, outcome, receipt."""
    recorder = Recorder(ledger, decided=lambda *_: None)
    call = a_call("warehouse_get_metric", arguments=BODY["args"])
    grant = Grant(
        principal=a_principal("analyst"), call=call, server="warehouse", target="get_metric",
        rule=a_rule("get_metric", server="warehouse"), definition="7b" * 16, policy="3c" * 16,
    )  # fmt: skip
    answer = Answer(status="ok", result={"content": []}, size=1180)

    async def one(rid: str) -> None:
        receipt = await recorder.admit(replace(grant, call=replace(call, id=rid)))
        await recorder.close(receipt, answer)

    return one


async def measure(admin: str, folder: Path, outstanding: Sequence[int], seconds: float) -> Figures:
    await migrate(admin, WRITER, READER)
    key = folder / keys.PRIVATE_NAME
    keys.create(key)
    reader = as_role(admin, "audit_reader", READER)
    ledger = await Ledger.open(as_role(admin, "audit_writer", WRITER), key, "bench")
    found = Figures()

    def append(rid: str) -> Awaitable[Any]:
        return ledger.append("event", BODY | {"rid": rid})

    for many in outstanding:
        found.loads.append(await measured("a record", append, ledger, many, seconds, folder))
    calls = both_records(ledger)
    for many in outstanding:
        found.loads.append(await measured("a call's two", calls, ledger, many, seconds, folder))
    await ledger.aclose()
    connection = await asyncpg.connect(admin)
    [(size, found.records, found.body_bytes)] = await connection.fetch(
        "SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('audit.record')"
        " WHERE isleaf), count(*), avg(octet_length(body))::float8 FROM audit.record"
    )
    await connection.close()
    found.disk_bytes = float(size) / found.records
    trusted = keys.load_public(folder / keys.PUBLIC_NAME)
    report = await verify(reader, trusted)
    found.verified = report.records / report.seconds
    found.findings = len(report.findings)
    today = datetime.now(UTC).date()
    with export_file.sink(folder / EXPORT) as out:
        await export.export(
            reader, out, since=today - timedelta(days=1), until=today, trusted=trusted
        )
    found.exported_bytes = (folder / EXPORT).stat().st_size / found.records
    return found


def verify_export(folder: Path, found: Figures) -> None:
    """On all cores, as an auditor does it."""
    report, _ = offline_verify.verify(str(folder / EXPORT), trust.load(folder / keys.PUBLIC_NAME))
    found.verified_export = report.records / report.seconds
    found.findings += len(report.findings)


def page(found: Figures, facts: dict[str, Any], load: list[float]) -> str:
    rows = [
        f"| {one.what} | {one.outstanding} | {one.per_second:,.0f} | {one.p50:.2f} | {one.p99:.2f} "
        f"| {one.cpu_us:.0f} | {one.per_block:.1f} | {one.flush:.2f} |"
        for one in found.loads
    ]
    return "\n".join(
        [
            "# The ledger alone",
            "",
            (
                f"{facts['cores']} cores, {facts['processor']}, {facts['system']}, Python {facts['python']}, "
                f"commit {facts['commit']}; load average before and after {load[0]:.1f} and {load[1]:.1f}. "
                "One process writes, PostgreSQL and the load are on the same cores."
            ),
            "",
            (
                "| each caller writes | outstanding | durable records/s | p50 ms | p99 ms | CPU us each "
                "| records a block | fdatasync ms |"
            ),
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            (
                "p50, p99 and CPU are of one record, or of a call's two records one after the other. CPU is of "
                "the gateway's process, PostgreSQL's is not in it."
            ),
            "",
            "| | |",
            "|---|---|",
            f"| records | {found.records:,} |",
            f"| bytes of a body | {found.body_bytes:,.0f} |",
            f"| bytes on disk, with indexes | {found.disk_bytes:,.0f} |",
            f"| bytes exported, compressed | {found.exported_bytes:,.0f} |",
            f"| verified from the database, one process | {found.verified:,.0f} records/s |",
            f"| verified from the export, {facts['cores']} cores | {found.verified_export:,.0f} records/s |",
            f"| findings | {found.findings} |",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--outstanding", type=int, nargs="+", default=[1, 32, 128])
    parser.add_argument("--keep", action="store_true", help="write the page to results/")
    options = parser.parse_args()
    folder = ROOT / ".run" / f"bench-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    before = machine.load_average()[0]
    try:
        with postgres.running(folder / "postgres") as server:
            found = uvloop.run(measure(server.url(), folder, options.outstanding, options.seconds))
        verify_export(folder, found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = page(found, machine.facts(), [before, machine.load_average()[0]])
    print(text)
    if options.keep:
        name = f"ledger-{datetime.now(UTC).date().isoformat()}.md"
        (Path(__file__).parent / "results" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
