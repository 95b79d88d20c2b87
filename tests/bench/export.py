"""How fast the ledger leaves: export, verification of an export, feed. Records per second and bytes.

    .venv/bin/python tests/bench/export.py [--records 300000]

Its own throw-away PostgreSQL. Figures of a shared machine say little without its load.
"""

import argparse
import asyncio
import os
import resource
import secrets
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from gateway.audit.conftest import READER, WRITER  # noqa: E402

from mcp_gateway.audit import keys, store  # noqa: E402
from mcp_gateway.audit.canonical import record_bytes  # noqa: E402
from mcp_gateway.audit.exports.export import export  # noqa: E402
from mcp_gateway.audit.exports.file import sink  # noqa: E402
from mcp_gateway.audit.feed.tail import FORMATS, tail  # noqa: E402
from mcp_gateway.audit.migrate import migrate  # noqa: E402
from mcp_gateway.audit.offline.build import build  # noqa: E402
from mcp_gateway.audit.projection import project  # noqa: E402
from mcp_gateway.audit.segment import Segment  # noqa: E402
from mcp_gateway.door.ids import call_id  # noqa: E402
from mcp_local import postgres  # noqa: E402

BLOCK_CALLS = 20  # forty records to a block, as a gateway of thirty callers writes them


def a_record(rid: str, kind: str) -> dict[str, Any]:
    return {
        "rid": rid, "iss": "http://localhost:8081/realms/mcp", "sub": str(uuid4()), "person": "ana",
        "agent": "desk-assistant", "roles": ["analyst"], "method": "tools/call",
        "server": "warehouse", "tool": "get_metric", "args": {"metric": "revenue", "note": "x" * 120},
        "args_c": secrets.token_hex(32), "decision": "allow", "reason": "role",
        "policy": "3c" * 16, "definition": "7b" * 16, "status": "ok", "latency_ms": 3.25,
        "bytes": 1180, "trace": secrets.token_hex(16), "era": "2026-07-28", "v": 1, "kind": kind,
        "replica": "bench", "ts": datetime.now(UTC).isoformat(timespec="microseconds"),
    }  # fmt: skip


async def fill(url: str, key: Path, count: int) -> None:
    connection = await asyncpg.connect(url)
    await store.prepare_days(connection)
    name = uuid4()
    day, _ = await store.register(connection, name, "bench")
    segment = Segment(name, day, 0, keys.load_private(key))
    for _ in range(count // (2 * BLOCK_CALLS)):
        rids = [call_id() for _ in range(BLOCK_CALLS)]
        records = [a_record(rid, kind) for kind in ("intent", "outcome") for rid in rids]
        bodies = [record_bytes(one) for one in records]
        sealed = segment.seal(bodies, datetime.now(UTC))
        rows = [(body, *project(one)) for body, one in zip(bodies, records, strict=True)]
        await store.insert(connection, sealed.block, rows)
        segment.advance(sealed)
    await connection.close()


async def measure(server: postgres.Postgres, folder: Path, count: int) -> None:
    await migrate(server.url(), WRITER, READER)
    key = folder / keys.PRIVATE_NAME
    keys.create(key)
    public = folder / keys.PUBLIC_NAME
    reader = server.url("postgres", "audit_reader", READER)
    await fill(server.url("postgres", "audit_writer", WRITER), key, count)
    today = datetime.now(UTC).date()
    for suffix in (".jsonl.zst", ".jsonl.gz"):
        path = folder / f"export{suffix}"
        started = time.perf_counter()
        with sink(path) as out:
            done = await export(
                reader, out, since=today - timedelta(days=1), until=today,
                trusted=keys.load_public(public),
            )  # fmt: skip
        seconds = time.perf_counter() - started
        print(
            f"export {suffix:<10} {done.records / seconds:>9,.0f} records/s, "
            f"{done.bytes / done.records:.0f} bytes a record, {path.stat().st_size / done.records:.0f} "
            f"compressed; this process at most "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
        )
    verifier = folder / "verify.pyz"
    build(verifier)
    await asyncio.to_thread(verifications, verifier, folder, public, count)
    for name, spell in FORMATS.items():
        sizes: list[int] = []
        started = time.perf_counter()

        def take(lines: bytes, to: list[int] = sizes) -> None:
            to.append(len(lines))

        await tail(reader, folder / name, take, spell, once=True)
        seconds = time.perf_counter() - started
        print(
            f"feed {name:<5} {count / seconds:>9,.0f} records/s behind, {sum(sizes) / count:.0f} bytes"
        )
    print(
        f"lag at rest: {await lag(server, folder, reader):.0f} ms from commit to delivery, median"
    )


def verifications(verifier: Path, folder: Path, public: Path, count: int) -> None:
    for words in ((sys.executable,), (sys.executable, "-I", "-S")):
        for jobs in ("1", "2"):
            file = folder / ("export.jsonl.zst" if len(words) == 1 else "export.jsonl.gz")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done_ = subprocess.run(
                [*words, str(verifier), str(file), "--key", str(public), "--jobs", jobs],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"verify {'with wheels' if len(words) == 1 else 'Python alone'}, {jobs} processes: "
                f"{done_.stdout.splitlines()[1]}, {cpu / count * 1e6:.1f} CPU us a record"
            )


async def lag(server: postgres.Postgres, folder: Path, reader: str) -> float:
    """One record at a time, from its commit until the feed hands it over."""
    arrived: asyncio.Queue[float] = asyncio.Queue()
    feed = asyncio.create_task(
        tail(
            reader, folder / "json", lambda _: arrived.put_nowait(time.perf_counter()),
            FORMATS["json"],
        )
    )  # fmt: skip
    waits = []
    for _ in range(15):
        await fill(
            server.url("postgres", "audit_writer", WRITER),
            folder / keys.PRIVATE_NAME,
            2 * BLOCK_CALLS,
        )
        committed = time.perf_counter()
        waits.append((await arrived.get() - committed) * 1000)
    feed.cancel()
    return sorted(waits)[len(waits) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=300_000)
    options = parser.parse_args()
    folder = ROOT / ".run" / f"bench-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    try:
        with postgres.running(folder / "postgres", {"fsync": "off"}) as server:
            asyncio.run(measure(server, folder, options.records))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
