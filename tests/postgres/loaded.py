"""The warehouse at the smallest scale, loaded once for all tests that share a database server."""

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
        admin = await asyncpg.connect(server.url())
        await admin.execute("CREATE DATABASE warehouse")
        await admin.close()
        await load(server.url("warehouse"), PASSWORD, SCALE, PASSWORD)
        _loaded[server.port] = Loaded(
            server.url("warehouse"),
            server.url("warehouse", "wh_ro", PASSWORD),
            server.url("warehouse", "wh_results", PASSWORD),
        )
    return _loaded[server.port]
