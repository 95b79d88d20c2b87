from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from postgres.loaded import Loaded, loaded

from mcp_local.postgres import Postgres


@pytest_asyncio.fixture(scope="session")
async def warehouse(postgres_server: Postgres) -> Loaded:
    return await loaded(postgres_server)


@pytest_asyncio.fixture
async def reader(warehouse: Loaded) -> AsyncIterator[asyncpg.Connection]:
    """A bare session of wh_ro: whatever the guard would refuse goes through here."""
    connection = await asyncpg.connect(warehouse.ro_url, statement_cache_size=0)
    yield connection
    connection.terminate()


@pytest_asyncio.fixture
async def admin(warehouse: Loaded) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(warehouse.admin_url)
    yield connection
    await connection.close()
