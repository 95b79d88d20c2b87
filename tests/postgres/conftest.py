from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from postgres.loaded import Loaded, loaded
from postgres.planted import planted

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


@pytest_asyncio.fixture(scope="session")
async def planted_warehouse(postgres_server: Postgres, warehouse: Loaded) -> Loaded:
    return await planted(postgres_server, warehouse)


@pytest_asyncio.fixture
async def planted_admin(planted_warehouse: Loaded) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(planted_warehouse.admin_url)
    yield connection
    await connection.close()
