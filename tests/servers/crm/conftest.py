from collections.abc import AsyncIterator

import pytest_asyncio
from sandbox.crm.account import new_database, prepare
from servers.crm.office import Office, open_office

from mcp_crm.migrate import migrate
from mcp_local.postgres import Postgres


@pytest_asyncio.fixture(scope="session")
async def loaded(postgres_server: Postgres) -> AsyncIterator[str]:
    """The name of a database with a CRM account and an outbox in it, to copy."""
    async with new_database(postgres_server) as url:
        await prepare(url)
        await migrate(url, url)
        yield url.rpartition("/")[2]


@pytest_asyncio.fixture
async def account(postgres_server: Postgres, loaded: str) -> AsyncIterator[str]:
    async with new_database(postgres_server, loaded) as url:
        yield url


@pytest_asyncio.fixture
async def office(account: str) -> AsyncIterator[Office]:
    async with open_office(account) as opened:
        yield opened
