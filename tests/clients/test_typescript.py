"""The TypeScript SDK, its present client and the one before: sign-in, lists, calls, and errors."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from clients import node
from clients.person import Person
from clients.typescript_host import WAYS, ShownError, TypeScriptHost, host

from mcp_gateway.listing.discovery import WELL_KNOWN
from mcp_local.load import Stack

PATHS = {"/mcp": "warehouse_list_tables", "/servers/warehouse/mcp": "list_tables"}
RECEIPT = "dev.mcp-in-production/audit"
MODERN_WAYS = ("client, 2026-07-28", "client, auto")


@pytest.fixture(scope="session")
def typescript() -> node.Installed:
    return node.installed("typescript-sdk")


@pytest_asyncio.fixture
async def app(
    request: pytest.FixtureRequest, typescript: node.Installed, stack: Stack, ana: Person
) -> AsyncIterator[TypeScriptHost]:
    """At the aggregate, connected, its sign-in behind it."""
    url, issuer = f"{stack.here.gateway}/mcp", stack.here.issuer
    async with host(typescript, request.param, url, ana, issuer=issuer) as made:
        await made("connect")
        await made("requests")
        yield made


every_way = pytest.mark.parametrize("app", WAYS, indirect=True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_typescript_client_finds_its_way_from_401_to_a_result(
    typescript: node.Installed, stack: Stack, ana: Person, way: str, path: str
) -> None:
    url = stack.here.gateway + path
    async with host(typescript, way, url, ana, issuer=stack.here.issuer) as app:
        connected = await app("connect")
        assert connected["server"]["name"] == "mcp-gateway"
        tools = await app("tools")
        assert PATHS[path] in [tool["name"] for tool in tools["tools"]]
        result = await app("call", name=PATHS[path], arguments={})
        requests = await app("requests")
    assert result["structuredContent"]
    assert requests[:2] == [["POST", path, 401], ["GET", WELL_KNOWN + path, 200]]
    assert ana.asked("resource") == url
    assert ana.asked("code_challenge_method") == "S256"
    # an older client asks for a stream of its own, is told that there is none, and goes on
    streams = [status for verb, asked, status in requests if (verb, asked) == ("GET", path)]
    assert set(streams) == (set() if way in MODERN_WAYS else {405})


@every_way
async def test_lists_prompts_and_resources_read_as_the_sdk_gives_them(app: TypeScriptHost) -> None:
    prompts = (await app("prompts"))["prompts"]
    assert "warehouse_revenue_review" in [prompt["name"] for prompt in prompts]
    prompt = await app("prompt", name="warehouse_revenue_review", arguments={"focus": "EUROPE"})
    assert "EUROPE" in prompt["messages"][0]["content"]["text"]
    resources = await app("resources")
    assert "docs://data/accounts" in [one["uri"] for one in resources["resources"]]
    read = await app("read", uri="docs://data/accounts")
    assert read["contents"][0]["text"]


@every_way
async def test_errors_arrive_as_an_application_catches_them(app: TypeScriptHost) -> None:
    # a wrong value is for the model to mend
    wrong = await app("call", name="warehouse_describe_table", arguments={"table": "sales.nothing"})
    assert wrong["isError"] is True
    assert "no such table" in wrong["content"][0]["text"]
    # a tool that is not there, and a resource, are the protocol's errors; the receipt travels along
    with pytest.raises(ShownError) as unknown:
        await app("call", name="warehouse_drop_everything", arguments={})
    assert unknown.value.kind in {"ProtocolError", "McpError"}
    assert unknown.value.code == -32602
    assert unknown.value.data[RECEIPT]["leaf"]
    with pytest.raises(ShownError) as missing:
        await app("read", uri="docs://nothing/here")
    assert missing.value.code == -32602


@pytest.mark.parametrize("way", WAYS)
async def test_a_bearer_that_is_no_good_is_an_error_that_names_401(
    typescript: node.Installed, stack: Stack, way: str
) -> None:
    url = f"{stack.here.gateway}/mcp"
    async with host(typescript, way, url, bearer="nonsense") as app:
        with pytest.raises(ShownError) as refused:
            await app("connect")
    assert 401 in {refused.value.status, refused.value.code}
    assert "Sign in" in str(refused.value)
