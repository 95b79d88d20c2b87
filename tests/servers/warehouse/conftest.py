from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from mcp import Client
from postgres.loaded import Loaded, loaded

from mcp_local.postgres import Postgres
from mcp_shared.identity import Caller, become
from mcp_warehouse.server import build

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
