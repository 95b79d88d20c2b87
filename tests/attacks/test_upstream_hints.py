"""U05: what a tool says of itself decides nothing; the policy's line does."""

import ast
from dataclasses import replace

import pytest
from architecture.tree import python
from attacks.evil import LOCK, POLICY
from attacks.upstream import Malicious, failure
from house.asks import error_of, tool_error
from house.cable import cable
from house.conftest import Opened
from house.house import House

from mcp_gateway.rights.policy import Agent
from mcp_local.valkey import Valkey

HINTS = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}


def test_u05_no_code_of_the_gateway_reads_an_annotation() -> None:
    """What reads them can come to believe them."""
    for path in python("gateway/src"):
        words = {
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not words & {*HINTS, "annotations"}, path


async def test_u05_an_agent_that_may_only_read_gets_no_writer_that_calls_itself_a_reader(
    behind: House, evil: Malicious
) -> None:
    reader = {"mcp-dev-cli": Agent(may=["read"], tools=["*"])}
    behind.gateway.policy = replace(behind.gateway.policy, agents=reader)
    listed = (await behind.post("tools/list", person="ben")).json()["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["numbers_look"]
    for tool in ("numbers_pay", "numbers_note"):
        refused = await behind.call(tool, {"how": "x"}, person="ben")
        assert error_of(refused)["message"] == "Unknown tool"
    # and a reader that says it destroys is a reader
    assert (await behind.call("numbers_look", {"how": "x"}, person="ben")).json()["result"]
    assert [one["tool"] for one in evil.told("effect")] == ["look"]


@pytest.mark.usefixtures("impatient")
async def test_u05_without_the_store_a_writer_stops_whatever_it_says_of_itself(
    evil: Malicious, opened: Opened, valkey_server: Valkey
) -> None:
    async with cable(valkey_server.port) as store:
        url = valkey_server.url.replace(f":{valkey_server.port}", f":{store.port}")
        terms = {"policies": {"numbers": POLICY}, "locks": {"numbers": LOCK}}
        async with opened(evil, redis_url=url, **terms) as home:
            assert (await home.call("numbers_pay", {"how": "x"}, person="ben")).json()["result"]
            await store.cut()
            text, said = tool_error(await home.call("numbers_pay", {"how": "x"}, person="ben"))
            assert said["code"] == "limiter_unavailable"
            assert "Nothing was done" in text
            assert (await home.call("numbers_look", {"how": "x"}, person="ben")).json()["result"]
    assert [one["tool"] for one in evil.told("effect")] == ["pay", "look"]


async def test_u05_a_writer_that_says_it_may_be_repeated_is_not(
    behind: House, evil: Malicious
) -> None:
    for how in ("close", "reset", "500"):
        *_, status, reason = await failure(behind, "numbers_pay", how, person="ben")
        assert (status, reason) == ("unknown", "server_failed")
        assert evil.effects(how) == 1
    # the reader that says it destroys: asked for less, and told nothing of a change
    text, *_, status, reason = await failure(behind, "numbers_look", "hang")
    assert (status, reason) == ("failed", "timed_out")
    assert "Ask for less" in text
