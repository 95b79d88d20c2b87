"""Fills an empty or outdated warehouse: SQL files in order, the data between them by COPY.

The marker in `tpch.load` is written last, so that a load which was cut short is done again.
"""

import asyncio
import contextlib
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg

from seed_warehouse.generate import generate

# the longest first: lineitem alone is two thirds of the data
TABLES = ("lineitem", "orders", "partsupp", "part", "customer", "supplier", "nation", "region")
COPIES_AT_ONCE = 2  # a small machine has two cores, and COPY is bound by the server's CPU
ONE_LOAD_AT_A_TIME = 0x57415245  # advisory lock key, arbitrary

_HERE = Path(__file__).parent
SQL = next(p for p in (_HERE / "warehouse", _HERE.parents[1] / "warehouse") if p.is_dir())


def files() -> list[Path]:
    return sorted(SQL.glob("*.sql"))


def fingerprint(scale: float) -> str:
    """Changes whenever the scale or a byte of the SQL does."""
    digest = hashlib.sha256(f"{scale:g}".encode())
    for file in files():
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def say(text: str) -> None:
    sys.stderr.write(f"warehouse: {text}\n")
    sys.stderr.flush()


async def load(
    admin_url: str, password: str, scale: float, results_password: str | None = None
) -> bool:
    """Bring the warehouse to `scale`; False when it was there already.

    Without a password of its own, nobody logs in as wh_results.
    """
    passwords = {"wh_ro": password, "wh_results": results_password}
    admin = await asyncpg.connect(admin_url)
    try:
        # a person running `make up` twice gets the second one waiting, not a half-built warehouse
        await admin.execute(f"SELECT pg_advisory_lock({ONE_LOAD_AT_A_TIME})")
        wanted = fingerprint(scale)
        if await _loaded(admin) == wanted:
            await _set_passwords(admin, passwords)
            await _warm(admin)
            say(f"scale {scale:g} is loaded already")
            return False
        started = time.monotonic()
        await _build(admin, admin_url, scale)
        await _set_passwords(admin, passwords)
        await admin.execute("UPDATE tpch.load SET fingerprint = $1, scale = $2", wanted, scale)
        await _warm(admin)
        say(f"scale {scale:g} loaded in {time.monotonic() - started:.1f} s")
        return True
    finally:
        await admin.close()


async def _warm(admin: asyncpg.Connection) -> None:
    """Read the business tables once, in order: the first question on a cold disk reads them at
    random, which takes longer than a question may.
    """
    # a server without the extension stays cold; one with it keeps none of its functions
    with contextlib.suppress(asyncpg.PostgresError):
        async with admin.transaction():
            await admin.execute("CREATE EXTENSION pg_prewarm")
            await admin.fetchval(
                "SELECT sum(pg_prewarm(oid, 'read')) FROM pg_class"
                " WHERE relnamespace = 'sales'::regnamespace AND relkind IN ('r', 'i')"
            )
            await admin.execute("DROP EXTENSION pg_prewarm")


async def _loaded(admin: asyncpg.Connection) -> str | None:
    try:
        found: str | None = await admin.fetchval("SELECT fingerprint FROM tpch.load")
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return None
    return found


async def _build(admin: asyncpg.Connection, admin_url: str, scale: float) -> None:
    before, after = _split(files())
    with tempfile.TemporaryDirectory(prefix="tpch-") as scratch:
        folder = Path(scratch)
        say(f"generating TPC-H data at scale {scale:g}")
        generating = asyncio.to_thread(generate, TABLES, scale, folder)
        await asyncio.gather(generating, _run(admin, before))
        say("copying the tables")
        await _copy(admin_url, folder)
    say("keys, business tables, rights")
    await _run(admin, after)


def _split(ordered: list[Path]) -> tuple[list[Path], list[Path]]:
    """What makes the empty tables, and what needs them filled."""
    at = next(i for i, file in enumerate(ordered) if file.name == "020_tpch.sql") + 1
    return ordered[:at], ordered[at:]


async def _run(admin: asyncpg.Connection, scripts: Iterable[Path]) -> None:
    for script in scripts:
        started = time.monotonic()
        async with admin.transaction():
            await admin.execute(script.read_text())
        say(f"  {script.name} {time.monotonic() - started:.1f} s")


async def _copy(admin_url: str, folder: Path) -> None:
    waiting = list(TABLES)

    async def worker() -> None:
        connection = await asyncpg.connect(admin_url)
        try:
            while waiting:
                table = waiting.pop(0)
                await connection.copy_to_table(
                    table,
                    schema_name="tpch",
                    source=folder / f"{table}.csv",
                    format="csv",
                    header=True,
                )
        finally:
            await connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(COPIES_AT_ONCE):
            group.create_task(worker())


async def _set_passwords(admin: asyncpg.Connection, passwords: Mapping[str, str | None]) -> None:
    for role, password in passwords.items():
        if password is not None:
            statement = await admin.fetchval(
                "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", role, password
            )
            await admin.execute(statement)
