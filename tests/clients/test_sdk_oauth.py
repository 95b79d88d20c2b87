"""The SDK's client from 401 to a result, with no step by hand: all it knows is an address."""

from typing import Any

import pytest
from clients.oauth import Host, Mode
from clients.person import Person

from mcp_gateway.listing.discovery import WELL_KNOWN
from mcp_local.load import Stack

MODES: list[Mode] = ["2026-07-28", "auto", "legacy"]
PATHS = {"/mcp": "warehouse_list_tables", "/servers/warehouse/mcp": "list_tables"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mode", MODES)
async def test_the_sdks_client_finds_its_way_from_401_to_a_result(
    stack: Stack, ana: Person, mode: Mode, path: str
) -> None:
    resource = stack.here.gateway + path
    host = Host(resource, ana)
    async with host.connected(mode) as client:
        tools = await client.list_tools()
        assert PATHS[path] in [tool.name for tool in tools.tools]
        result = await client.call_tool(PATHS[path], {})
    assert not result.is_error
    assert result.structured_content
    # one refusal, and what it named was enough to find everything else
    seen = [(request.url.path, status) for request, status in host.requests]
    assert seen[0] == (path, 401)
    assert seen[1] == (WELL_KNOWN + path, 200)
    assert [status for _, status in seen].count(401) == 1
    # asked for on the way out, and again when the code is redeemed (RFC 8707)
    assert ana.asked("resource") == resource
    assert ana.asked("scope") == f"aud:{'mcp' if path == '/mcp' else 'warehouse'}"
    assert ana.asked("code_challenge_method") == "S256"
    (grant,) = host.grants()
    assert grant["grant_type"] == "authorization_code"
    assert grant["resource"] == resource
    assert grant["code_verifier"]


@pytest.mark.parametrize("mode", MODES)
async def test_a_token_that_has_expired_is_refreshed_and_nobody_notices(
    ana: Person, stack: Stack, mode: Mode
) -> None:
    host = Host(f"{stack.here.gateway}/mcp", ana)
    async with host.connected(mode) as client:
        await client.call_tool("warehouse_list_tables", {})
        before: Any = host.kept.tokens
        host.provider.context.token_expiry_time = 1.0
        result = await client.call_tool("warehouse_list_tables", {})
        after: Any = host.kept.tokens
    assert not result.is_error
    assert [grant["grant_type"] for grant in host.grants()] == [
        "authorization_code",
        "refresh_token",
    ]
    assert host.grants()[1]["resource"] == host.url
    assert after.access_token != before.access_token
    assert after.refresh_token != before.refresh_token  # rotated: a public client's must be
    assert len(ana.sent_to) == 1


async def test_a_token_that_is_no_good_any_more_leads_back_to_the_sign_in_page(
    ana: Person, stack: Stack
) -> None:
    """What the client thinks valid and the gateway refuses: signed out, revoked, or forged."""
    host = Host(f"{stack.here.gateway}/mcp", ana)
    async with host.connected("2026-07-28") as client:
        await client.call_tool("warehouse_list_tables", {})
        tokens: Any = host.provider.context.current_tokens
        tokens.access_token = tokens.access_token[:-8] + "AAAAAAAA"
        result = await client.call_tool("warehouse_list_tables", {})
    assert not result.is_error
    assert len(ana.sent_to) == 2
    (refused,) = [one for one, status in host.requests[1:] if status == 401]
    assert refused.url.path == "/mcp"


async def test_a_token_of_one_endpoint_signs_in_anew_at_another(ana: Person, stack: Stack) -> None:
    """No step-up is needed here: what is missing is not a scope but an audience."""
    one = Host(f"{stack.here.gateway}/servers/warehouse/mcp", ana)
    async with one.connected("2026-07-28") as client:
        await client.list_tools()
    two = Host(f"{stack.here.gateway}/mcp", ana)
    two.kept.tokens = one.kept.tokens
    async with two.connected("2026-07-28") as client:
        tools = await client.list_tools()
    assert "warehouse_list_tables" in [tool.name for tool in tools.tools]
    assert [status for _, status in two.requests].count(401) == 1
    assert len(ana.sent_to) == 2
