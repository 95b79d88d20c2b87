"""The warehouse at the smallest scale, loaded once for all tests that share a database server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from mcp_local.postgres import Postgres
from seed_warehouse.load import load

SCALE = 0.01
PASSWORD = "wh'ro \"pw"  # needs quoting wherever it is used
_loaded: dict[int, "Loaded"] = {}


@dataclass(frozen=True)
class Loaded:
    admin_url: str
    ro_url: str
    results_url: str


async def loaded(server: Postgres) -> Loaded:
    if server.port not in _loaded:
        async with session(server.url()) as admin:
            await admin.execute("CREATE DATABASE warehouse")
        await load(server.url("warehouse"), PASSWORD, SCALE, PASSWORD)
        await set_aside(server, "warehouse")
        _loaded[server.port] = Loaded(
            server.url("warehouse"),
            server.url("warehouse", "wh_ro", PASSWORD),
            server.url("warehouse", "wh_results", PASSWORD),
        )
    return _loaded[server.port]


@asynccontextmanager
async def session(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def set_aside(server: Postgres, name: str) -> None:
    """Keep the database as it is now, before anybody has its address, for `copy`.

    PostgreSQL copies no database that anybody is connected to, and the tests' servers keep their
    connections to the one they use. To this one nobody can connect.
    """
    async with session(server.url()) as admin:
        await admin.execute(
            f"CREATE DATABASE {_aside(name)} TEMPLATE {name} ALLOW_CONNECTIONS false"
        )


async def copy(server: Postgres, name: str, to: str) -> None:
    """A new database as the named one was when it was set aside."""
    async with session(server.url()) as admin:
        # a statement whose client is gone may still run in the last one
        await admin.execute(f"DROP DATABASE IF EXISTS {to} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {to} TEMPLATE {_aside(name)}")


def _aside(name: str) -> str:
    return f"{name}_aside"
