from collections.abc import AsyncIterator

import pytest_asyncio
from shared.vendor.theirs import Theirs, running


@pytest_asyncio.fixture
async def theirs() -> AsyncIterator[Theirs]:
    async with running() as vendor:
        yield vendor
