"""A client outside our code, the MCP Inspector, works against the running gateway in both eras."""

import json

import pytest
from live.commands import one_allowed_call_each, password, token_endpoint
from live.inspector import Inspector, installed

from mcp_local.governed import Call, token
from mcp_local.load import Stack

ERAS = ("modern", "legacy")


@pytest.fixture(scope="session")
def inspector() -> Inspector:
    return installed()


def endpoints(stack: Stack, call: Call) -> dict[str, tuple[str, str]]:
    """Scope and tool name at the aggregate and at the call's own server."""
    gateway = stack.here.gateway
    return {
        f"{gateway}/mcp": ("aud:mcp", f"{call.server}_{call.tool}"),
        f"{gateway}/servers/{call.server}/mcp": (f"aud:{call.server}", call.tool),
    }


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_lists_and_calls_tools(stack: Stack, inspector: Inspector, era: str) -> None:
    call = one_allowed_call_each(stack)[0]
    for url, (scope, tool) in endpoints(stack, call).items():
        bearer = token(token_endpoint(stack), call.person, password(stack), f"openid {scope}")
        listed = inspector(url, bearer, era, "tools/list", "--strict")
        assert listed.returncode == 0, listed.stderr
        assert tool in [entry["name"] for entry in json.loads(listed.stdout)["result"]["tools"]]
        asked = ("--tool-name", tool, "--tool-args-json", json.dumps(call.arguments))
        called = inspector(url, bearer, era, "tools/call", *asked)
        assert called.returncode == 0, called.stdout + called.stderr
        result = json.loads(called.stdout)["result"]
        assert result["isError"] is False
        assert result["structuredContent"]


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_is_refused_without_a_token_for_this_endpoint(
    stack: Stack, inspector: Inspector, era: str
) -> None:
    call = one_allowed_call_each(stack)[0]
    other = token(token_endpoint(stack), call.person, password(stack), f"openid aud:{call.server}")
    for bearer in ("not-a-token", other):
        refused = inspector(f"{stack.here.gateway}/mcp", bearer, era, "tools/list")
        assert refused.returncode != 0, refused.stdout
