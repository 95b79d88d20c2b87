"""Who stops waiting stops the query: from the client through gateway and server to the database."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from clients import node
from clients.oauth import Host, Mode
from clients.person import Person
from clients.slow import ASKED, SlowTable, slow_table
from clients.typescript_host import WAYS, host

from mcp_local.governed import token
from mcp_local.load import Stack

TOOL = "warehouse_run_sql"
WITHIN = 1.0  # seconds from leaving to a database that no longer works on it


@pytest_asyncio.fixture
async def table(stack: Stack) -> AsyncIterator[SlowTable]:
    async with slow_table(stack) as slow:
        yield slow


async def test_without_anyone_leaving_the_query_goes_on(
    stack: Stack, ana: Person, table: SlowTable
) -> None:
    """Else the tests below would show nothing."""
    one = Host(f"{stack.here.gateway}/mcp", ana)
    async with one.connected("2026-07-28") as client:
        call = asyncio.create_task(client.call_tool(TOOL, ASKED))
        await table.begun()
        assert not await table.gone(WITHIN + 0.5)
        assert (await call).is_error  # the server's own limit


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_a_call_that_the_sdks_client_gives_up_ends_in_the_database(
    stack: Stack, ana: Person, table: SlowTable, mode: Mode
) -> None:
    one = Host(f"{stack.here.gateway}/mcp", ana)
    async with one.connected(mode) as client:
        await client.list_tools()
    async with one.connected_with_its_token(mode) as client:
        call = asyncio.create_task(client.call_tool(TOOL, ASKED))
        await table.begun()
        call.cancel()
        assert await table.gone(WITHIN)
        await asyncio.wait({call})


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_that_a_typescript_client_gives_up_ends_in_the_database(
    stack: Stack, ana: Person, table: SlowTable, way: str
) -> None:
    """An older one leaves its request open and sends a notification."""
    found = node.installed("typescript-sdk")
    url, issuer = f"{stack.here.gateway}/mcp", stack.here.issuer
    async with host(found, way, url, ana, issuer=issuer) as app:
        await app("connect")
        await app("start", name=TOOL, arguments=ASKED)
        await table.begun()
        stopped = await app("abort")
        assert "the person pressed stop" in stopped["error"]["message"]
        assert await table.gone(WITHIN)
        # and the client is as good as before
        assert (await app("call", name="warehouse_list_tables", arguments={}))["content"]


@pytest.mark.parametrize("version", ["2026-07-28", "2025-11-25"])
async def test_a_connection_that_breaks_ends_its_query_in_the_database(
    stack: Stack, table: SlowTable, version: str
) -> None:
    here = stack.here
    endpoint = f"{here.issuer}/protocol/openid-connect/token"
    bearer = token(endpoint, "ana", here.secrets / "demo-password", "openid aud:mcp")
    meta = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    modern = version == "2026-07-28"
    params = {"name": TOOL, "arguments": ASKED} | ({"_meta": meta} if modern else {})
    headers = {
        "authorization": f"Bearer {bearer}", "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version, "mcp-method": "tools/call", "mcp-name": TOOL,
    }  # fmt: skip
    document = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    async with httpx2.AsyncClient() as http:
        call = asyncio.create_task(http.post(f"{here.gateway}/mcp", json=document, headers=headers))
        await table.begun()
        call.cancel()
        assert await table.gone(WITHIN)
        await asyncio.wait({call})
