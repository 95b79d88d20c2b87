from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from house.house import Counted, House, counted_server, house
from people import Issuer, running_issuer

from mcp_local.valkey import Valkey


@pytest.fixture(scope="session")
def issuer(run_folder: Path) -> Iterator[Issuer]:
    with running_issuer(run_folder / "issuer", servers=("numbers",)) as running:
        yield running


@pytest_asyncio.fixture
async def server(issuer: Issuer) -> AsyncIterator[Counted]:
    async with counted_server(issuer) as counted:
        yield counted


@pytest_asyncio.fixture
async def home(
    tmp_path: Path, issuer: Issuer, database: str, valkey_server: Valkey, server: Counted
) -> AsyncIterator[House]:
    async with house(tmp_path / "house", issuer, database, valkey_server.url, server) as made:
        yield made
