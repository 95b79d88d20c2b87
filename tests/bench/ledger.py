"""Durable records per second of the ledger, beside the flush latency of the disk they went to.

    .venv/bin/python tests/bench/ledger.py [--seconds 5] [--outstanding 1 32 128] [--fsync off]

Its own throw-away PostgreSQL, fsync on. Figures of a shared machine say little without the flush.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from gateway.audit.conftest import READER, WRITER, as_role  # noqa: E402

from mcp_gateway.audit import keys  # noqa: E402
from mcp_gateway.audit.ledger import Ledger  # noqa: E402
from mcp_gateway.audit.migrate import migrate  # noqa: E402
from mcp_gateway.audit.verify import verify  # noqa: E402
from mcp_local import postgres  # noqa: E402

BODY: dict[str, Any] = {
    "rid": "", "iss": "http://localhost:8081/realms/mcp", "sub": "0f2b9d0e-6f0e-4a8e-9d54-1d7a3a0a4b6f",
    "person": "ana", "agent": "desk-assistant", "roles": ["analyst"], "method": "tools/call",
    "server": "warehouse", "tool": "get_metric",
    "args": {"metric": "revenue", "group_by": ["region", "month"], "note": "x" * 120},
    "args_c": "9f" * 32, "decision": "allow", "reason": "role", "policy": "3c" * 16,
    "definition": "7b" * 16, "status": "ok", "latency_ms": 3.25, "bytes": 1180,
    "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "era": "2026-07-28",
}  # fmt: skip


def flush_ms(folder: Path) -> float:
    """The median of two hundred fdatasync calls after an 8 KiB write."""
    path = folder / "flush"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    times = []
    for i in range(200):
        os.pwrite(handle, b"x" * 8192, 8192 * i)
        start = time.perf_counter()
        os.fdatasync(handle)
        times.append(time.perf_counter() - start)
    os.close(handle)
    path.unlink()
    return statistics.median(times) * 1000


async def load(ledger: Ledger, outstanding: int, seconds: float) -> tuple[int, list[float], float]:
    """`outstanding` callers, each appending one record after the other."""
    waits: list[float] = []
    cpu, begun = time.process_time(), time.perf_counter()
    end = begun + seconds

    async def caller(number: int) -> None:
        count = 0
        while (start := time.perf_counter()) < end:
            count += 1
            await ledger.append("outcome", BODY | {"rid": f"{begun}-{number}-{count}"})
            waits.append(time.perf_counter() - start)

    await asyncio.gather(*(caller(i) for i in range(outstanding)))
    return len(waits), waits, (time.process_time() - cpu) / (time.perf_counter() - begun)


async def measure(admin: str, folder: Path, outstanding: list[int], seconds: float) -> None:
    await migrate(admin, WRITER, READER)
    key = folder / keys.PRIVATE_NAME
    keys.create(key)
    writer, reader = (
        as_role(admin, "audit_writer", WRITER),
        as_role(admin, "audit_reader", READER),
    )
    ledger = await Ledger.open(writer, key, "bench", insist_on_durability=False)
    print(
        f"{'callers':>8} {'records/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU us/rec':>11} {'per block':>10} {'flush ms':>9}"
    )
    for callers in outstanding:
        await load(ledger, callers, 0.5)
        flush = flush_ms(folder)
        blocks = ledger.blocks
        count, waits, cpu = await load(ledger, callers, seconds)
        waits.sort()
        print(
            f"{callers:>8} {count / seconds:>10,.0f} {waits[len(waits) // 2] * 1e3:>8.2f} "
            f"{waits[len(waits) * 99 // 100] * 1e3:>8.2f} {cpu * seconds / count * 1e6:>11.1f} "
            f"{count / max(1, ledger.blocks - blocks):>10.1f} {flush:>9.2f}"
        )
    await ledger.aclose()
    connection = await asyncpg.connect(admin)
    [(size, count)] = await connection.fetch(
        "SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('audit.record')"
        " WHERE isleaf), (SELECT count(*) FROM audit.record)"
    )
    body = await connection.fetchval("SELECT avg(octet_length(body)) FROM audit.record")
    await connection.close()
    print(
        f"{count:,} records, body {body:.0f} bytes, {size / count:.0f} bytes each on disk with indexes"
    )
    report = await verify(reader, keys.load_public(folder / keys.PUBLIC_NAME))
    print(
        f"verified {report.records:,} records in {report.seconds:.1f} s: "
        f"{report.records / report.seconds:,.0f} records/s, {len(report.findings)} findings"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--outstanding", type=int, nargs="+", default=[1, 32, 128])
    parser.add_argument("--fsync", choices=("on", "off"), default="on")
    options = parser.parse_args()
    folder = ROOT / ".run" / f"bench-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    try:
        with postgres.running(folder / "postgres", {"fsync": options.fsync}) as server:
            uvloop.run(measure(server.url(), folder, options.outstanding, options.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
