"""The SDK's client hears of what operators change in files, and of nothing it did not ask for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from house.backends import Counted, listening
from house.conftest import Opened
from house.folders import POLICIES
from house.house import GATEWAY, House
from house.test_live_policy import CONTRACTOR, folder, policy_of
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.subscriptions import PromptsListChanged, ToolsListChanged

HEARD_SECONDS = 30
NO_PROMPT = POLICIES["numbers"].replace(
    "sum_up: { roles: [analyst] }", "sum_up: { roles: [sales] }"
)


@asynccontextmanager
async def connected(home: House, person: str = "ana") -> AsyncIterator[Client]:
    """Over a socket: what is streamed arrives as it is sent."""
    async with listening(home.gateway) as port:
        headers = {
            "authorization": f"Bearer {home.token(person)}",
            "host": GATEWAY.removeprefix("http://"),
        }
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            url = f"http://127.0.0.1:{port}/mcp"
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, mode="2026-07-28") as client:
                yield client


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


async def next_of(subscription: Any) -> Any:
    async with asyncio.timeout(HEARD_SECONDS):
        return await anext(subscription)


async def test_a_line_of_the_policy_that_goes_is_told_and_the_list_is_a_new_one(
    server: Counted, opened: Opened
) -> None:
    async with opened(server) as home, connected(home) as client:
        assert "numbers_add_numbers" in await names(client)
        async with client.listen(tools_list_changed=True, prompts_list_changed=True) as told:
            policy_of(home).write_text(CONTRACTOR)
            assert isinstance(await next_of(told), ToolsListChanged)
            assert "numbers_add_numbers" not in await names(client)  # nothing kept from before
            policy_of(home).write_text(NO_PROMPT)
            heard = {type(await next_of(told)), type(await next_of(told))}
            assert heard == {ToolsListChanged, PromptsListChanged}


async def test_another_definition_in_the_catalogue_is_told(server: Counted, opened: Opened) -> None:
    async with opened(server) as home, connected(home) as client:
        async with client.listen(tools_list_changed=True) as told:
            lock = folder(home) / "servers" / "numbers" / "tools.lock.json"
            document = json.loads(lock.read_text())
            document["tools"] = [one for one in document["tools"] if one["name"] != "wait_long"]
            lock.write_text(json.dumps(document))
            assert isinstance(await next_of(told), ToolsListChanged)
        assert "numbers_wait_long" not in await names(client)


async def test_what_is_not_watched_here_is_not_promised(server: Counted, opened: Opened) -> None:
    async with opened(server) as home, connected(home) as client:
        uris = ["numbers://digits/1"]
        async with client.listen(
            tools_list_changed=True, resources_list_changed=True, resource_subscriptions=uris
        ) as told:
            assert told.honored.tools_list_changed is True
            assert not told.honored.resources_list_changed
            assert not told.honored.resource_subscriptions
