from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio
from sandbox.crm.account import opened, prepare


@pytest_asyncio.fixture
async def crm(database: str) -> AsyncIterator[httpx2.AsyncClient]:
    await prepare(database)
    async with opened(database) as client:
        yield client
