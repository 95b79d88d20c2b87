from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio
from sandbox.crm.account import new_database, opened, prepare

from mcp_local.postgres import Postgres


@pytest_asyncio.fixture(scope="session")
async def loaded(postgres_server: Postgres) -> AsyncIterator[str]:
    """The name of a database with an account in it, to copy."""
    async with new_database(postgres_server) as url:
        await prepare(url)
        yield url.rpartition("/")[2]


@pytest_asyncio.fixture
async def account(postgres_server: Postgres, loaded: str) -> AsyncIterator[str]:
    """The URL of a database with the three accounts of the tests."""
    async with new_database(postgres_server, loaded) as url:
        yield url


@pytest_asyncio.fixture
async def crm(account: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with opened(account) as client:
        yield client
