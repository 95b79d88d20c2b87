"""The SDK's own client against the house: what it expects is what the protocol says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
import pytest
from asgi import client_of
from house.house import GATEWAY, House, path_of
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

Mode = Literal["2026-07-28", "auto", "legacy"]
MODES: list[Mode] = ["2026-07-28", "auto", "legacy"]


@asynccontextmanager
async def connected(
    home: House, mode: Mode, person: str = "ana", endpoint: str = ""
) -> AsyncIterator[Client]:
    http: httpx2.AsyncClient = client_of(home.gateway, GATEWAY)
    http.headers["authorization"] = f"Bearer {home.token(person, endpoint)}"
    async with http:
        transport = streamable_http_client(GATEWAY + path_of(endpoint), http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("endpoint", ["", "numbers"])
async def test_the_sdks_client_lists_and_calls(home: House, mode: Mode, endpoint: str) -> None:
    prefix = "" if endpoint else "numbers_"
    async with connected(home, mode, endpoint=endpoint) as client:
        tools = await client.list_tools()
        assert f"{prefix}add_numbers" in [tool.name for tool in tools.tools]
        result = await client.call_tool(f"{prefix}add_numbers", {"numbers": [4, 5]})
        assert result.structured_content == {"total": 9, "who": "ana"}
        wrong = await client.call_tool(f"{prefix}add_numbers", {"numbers": "x"})
        assert wrong.is_error
        with pytest.raises(MCPError) as caught:
            await client.call_tool(f"{prefix}nothing", {})
        assert caught.value.error.code == -32602
        prompt = await client.get_prompt(f"{prefix}sum_up", {"of": "x"})
        assert prompt.messages
        read = await client.read_resource("numbers://digits/3")
        text: Any = read.contents[0]
        assert text.text == "the digit 3"


@pytest.mark.parametrize("mode", MODES)
async def test_progress_reaches_the_sdks_client(home: House, mode: Mode) -> None:
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    async with connected(home, mode) as client:
        result = await client.call_tool(
            "numbers_wait_long", {"seconds": 0.05}, progress_callback=hear
        )
    assert result.structured_content == {"seconds": 0.05}
    assert heard == [0.5]


async def test_a_limited_call_reads_as_words_to_the_model(home: House) -> None:
    async with connected(home, "2026-07-28", person="dee") as client:
        for _ in range(2):
            await client.call_tool("numbers_add_numbers", {"numbers": [1]})
        limited = await client.call_tool("numbers_add_numbers", {"numbers": [1]})
    assert limited.is_error
    words: Any = limited.content[0]
    assert "Wait" in words.text
    assert limited.meta is not None
    assert limited.meta["dev.mcp-in-production/refused"]["retryAfter"] > 0
