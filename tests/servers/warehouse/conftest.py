import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from house.conftest import ledger_template
from house.house import House
from mcp import Client
from people import Issuer, running_issuer
from postgres.loaded import Loaded, loaded
from postgres.planted import planted
from postgres.served import UNBOUNDED, governed, served

from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey
from mcp_shared.identity import Caller, become
from mcp_warehouse.server import build

__all__ = ["ledger_template"]

Ask = Callable[..., Awaitable[Any]]


@pytest_asyncio.fixture(scope="session")
async def warehouse(postgres_server: Postgres) -> Loaded:
    return await loaded(postgres_server)


@pytest.fixture
def ask(warehouse: Loaded, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Call one tool as a person of these groups; keywords beyond that are the server's settings."""

    async def call(
        tool: str,
        arguments: dict[str, Any] | None = None,
        *,
        groups: tuple[str, ...] = ("analyst", "region-all"),
        **settings: object,
    ) -> Any:
        given = {"database_url": warehouse.ro_url, **settings}
        for name, value in given.items():
            monkeypatch.setenv(f"WAREHOUSE_{name.upper()}", str(value))
        become(Caller("s", "ana", "Ana", frozenset(), frozenset(groups), "test"))
        async with Client(build()) as client:
            return await client.call_tool(tool, arguments or {})

    return call


@pytest_asyncio.fixture(scope="session")
async def planted_warehouse(postgres_server: Postgres, warehouse: Loaded) -> Loaded:
    return await planted(postgres_server, warehouse)


@pytest_asyncio.fixture
async def admin(warehouse: Loaded) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(warehouse.admin_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def warehouse_issuer(run_folder: Path) -> Iterator[Issuer]:
    # other folders borrow this fixture, and then each has an issuer, and a key, of its own
    folder = run_folder / f"warehouse-issuer-{secrets.token_hex(4)}"
    with running_issuer(folder, servers=("warehouse",)) as issuer:
        yield issuer


@pytest_asyncio.fixture
async def warehouse_house(
    tmp_path: Path,
    warehouse_issuer: Issuer,
    warehouse: Loaded,
    postgres_server: Postgres,
    ledger_template: str,
    valkey_server: Valkey,
) -> AsyncIterator[House]:
    """A gateway before a warehouse whose queries may run for half a minute."""
    async with (
        served(warehouse_issuer, warehouse, **UNBOUNDED) as server,
        governed(
            tmp_path / "house", server, postgres_server.url(), ledger_template, valkey_server.url
        ) as house,
    ):
        yield house
