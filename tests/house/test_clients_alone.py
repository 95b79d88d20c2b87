"""An agent with no person behind it: the SDK's provider for clients, from 401 to a result."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from house.backends import Counted
from house.conftest import Opened
from house.house import GATEWAY, House, path_of
from house.test_clients import Mode
from house.test_services import a_service, with_services
from joserfc.jwk import RSAKey
from mcp import Client
from mcp.client.auth import OAuthTokenError
from mcp.client.auth.extensions.client_credentials import (
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp.shared.exceptions import MCPError
from people import Issuer, running_issuer

NAME = "nightly"


class Kept:
    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError(f"an agent is registered by its operator: {client_info}")


@pytest.fixture(scope="module")
def key() -> str:
    return RSAKey.generate_key(2048).as_pem(private=True).decode()


@pytest.fixture(scope="module")
def issuer(run_folder: Path, key: str) -> Iterator[Issuer]:
    changes = {"clients": [a_service(NAME, key.encode())]}
    folder = run_folder / "issuer-agents"
    with running_issuer(folder, servers=("numbers",), changes=changes) as running:
        yield running


@asynccontextmanager
async def agent(home: House, pem: str, mode: Mode, endpoint: str = "") -> AsyncIterator[Client]:
    """It knows the gateway's address, its own name, its key, and whom it trusts with it."""
    url = GATEWAY + path_of(endpoint)
    signed = SignedJWTParameters(issuer=NAME, subject=NAME, signing_key=pem)
    provider = PrivateKeyJWTOAuthProvider(
        url, Kept(), NAME, signed.create_assertion_provider(), issuer=home.issuer.url
    )
    mounts = {GATEWAY: httpx2.ASGITransport(home.gateway)}
    async with httpx2.AsyncClient(auth=provider, mounts=mounts) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
@pytest.mark.parametrize("endpoint", ["", "numbers"])
async def test_an_agent_gets_its_own_token_and_what_its_line_allows(
    server: Counted, opened: Opened, key: str, mode: Mode, endpoint: str
) -> None:
    prefix = "" if endpoint else "numbers_"
    async with opened(server) as home:
        await with_services(home)
        async with agent(home, key, mode, endpoint) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {f"{prefix}add_numbers", f"{prefix}wait_long"}
            result = await client.call_tool(f"{prefix}add_numbers", {"numbers": [4, 5]})
            assert result.structured_content == {"total": 9, "who": f"service-account-{NAME}"}
            with pytest.raises(MCPError, match="Unknown tool"):
                await client.call_tool(f"{prefix}note_number", {"number": 1})
        (intent,) = await home.records(kind="intent")
        assert (intent["agent"], intent["service"]) == (NAME, True)


async def test_an_agent_with_another_key_is_not_that_agent(server: Counted, opened: Opened) -> None:
    other = RSAKey.generate_key(2048).as_pem(private=True).decode()
    async with opened(server) as home:
        with pytest.raises(ExceptionGroup) as caught:
            async with agent(home, other, "legacy") as client:
                await client.list_tools()
        assert caught.group_contains(OAuthTokenError, depth=None)
        assert await home.records(kind="intent") == []
