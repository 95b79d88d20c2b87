"""Week 3, rights: each check fails at a gateway that breaks its promise."""

import json
from dataclasses import replace

import pytest
from playbook.live.conftest import Through
from playbook.live.meddler import Answered, Asked, Forward
from playbook.live.verdicts import fails, waits

from mcp_local.load import Stack
from mcp_playbook import source
from mcp_playbook.checks import week_3_rights as week
from mcp_playbook.deployment import Deployment

JSON = {"content-type": "application/json"}


def method(asked: Asked) -> str:
    try:
        return str(json.loads(asked.body).get("method", ""))
    except ValueError:
        return ""


def tool(asked: Asked) -> str:
    return str(json.loads(asked.body).get("params", {}).get("name", ""))


async def test_W3_07_fails_where_lists_show_what_may_not_be_called(
    through: Through, at: Deployment
) -> None:
    hidden = next(probe for probe in at.probes if probe.expect == "refused")
    listed = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": hidden.tool}]}})

    async def unfiltered(asked: Asked, forward: Forward) -> Answered:
        if method(asked) == "tools/list":
            return Answered(200, JSON, listed.encode())
        return await forward(asked)

    async with through(unfiltered) as broken:
        await fails(week.unknown_alike, broken, f"sees {hidden.tool} in the list")


async def test_W3_07_fails_where_a_refusal_tells_that_the_tool_exists(through: Through) -> None:
    async def telling(asked: Asked, forward: Forward) -> Answered:
        answer = await forward(asked)
        exists = method(asked) == "tools/call" and tool(asked) != week.NOBODYS
        return replace(answer, status=403) if exists else answer

    async with through(telling) as broken:
        await fails(week.unknown_alike, broken, "an unknown name: 400")


async def test_W3_08_fails_where_no_limit_is_met(
    through: Through, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week, "MOST_CALLS", 5)

    async def boundless(asked: Asked, forward: Forward) -> Answered:
        if method(asked) == "tools/call":
            return Answered(200, JSON, b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')
        return await forward(asked)

    async with through(boundless) as broken:
        await fails(week.limits, broken, "5 calls", "met no limit")


async def test_W3_08_fails_where_the_limit_is_an_http_status(through: Through) -> None:
    async def hidden(asked: Asked, forward: Forward) -> Answered:
        if method(asked) == "tools/call":
            return Answered(429, {**JSON, "retry-after": "20"}, b"{}")
        return await forward(asked)

    async with through(hidden) as broken:
        await fails(week.limits, broken, "HTTP 429")


async def test_W3_08_fails_where_nobody_says_when_to_come_back(through: Through) -> None:
    said = b'{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"Too many."}]}}'

    async def curt(asked: Asked, forward: Forward) -> Answered:
        return Answered(200, JSON, said) if method(asked) == "tools/call" else await forward(asked)

    async with through(curt) as broken:
        await fails(week.limits, broken, "at call 1", "Too many.")


async def test_W3_12_fails_where_a_revoked_token_goes_on(
    through: Through, at: Deployment, stack: Stack
) -> None:
    """A replica that does not hear of revocations: it signs the person in anew by itself."""
    probe = at.one_each()[-1]

    async def deaf(asked: Asked, forward: Forward) -> Answered:
        answer = await forward(asked)
        if answer.status != 401 or not asked.token:
            return answer
        fresh = await at.token(probe.person, at.endpoint_of(probe))
        return await forward(asked.bearing(str(fresh)))

    async with through(deaf) as broken:
        asking = replace(broken, tokens=source.of_stack(stack).tokens)  # a cache of its own
        await fails(week.revoked, asking, "the old token was answered 200")


async def test_W3_12_waits_where_the_gateways_settings_are_not_at_hand(at: Deployment) -> None:
    assert at.kit
    await waits(week.revoked, replace(at, kit=replace(at.kit, gateway_env=None)), "make revoke")
