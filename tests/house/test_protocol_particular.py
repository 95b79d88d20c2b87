"""Mirrored arguments, completion, caching of what is read, and questions that are no tool's."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from house.asks import error_of
from house.backends import counted_server
from house.conftest import Opened
from house.house import House
from house.particular import LOCK, POLICY, a_particular_server
from people import Issuer

CAN_ANSWER: dict[str, Any] = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}


@pytest_asyncio.fixture
async def odd(issuer: Issuer, opened: Opened) -> AsyncIterator[House]:
    """A house before the particular server, and letters, which completes nothing."""
    async with (
        counted_server(issuer, a_particular_server()) as numbers,
        counted_server(issuer, name="letters") as letters,
        opened(numbers, letters, policies={"numbers": POLICY}, locks={"numbers": LOCK}) as home,
    ):
        yield home


def result_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["result"]
    return found


# --- arguments repeated in headers

RIGHT: list[tuple[dict[str, Any], dict[str, str | None]]] = [
    ({}, {}),
    ({"note": "x"}, {}),
    ({"region": "EU"}, {"mcp-param-region": "EU"}),
    ({"region": "EU"}, {"Mcp-Param-REGION": "EU"}),
    ({"region": "EU"}, {"mcp-param-region": " EU "}),
    ({"region": "EU"}, {"mcp-param-region": "=?base64?RVU=?="}),
    ({"region": "Zürich "}, {"mcp-param-region": "=?base64?WsO8cmljaCA=?="}),
    ({"region": "=?base64?RVU=?="}, {"mcp-param-region": "=?base64?PT9iYXNlNjQ/UlZVPT89?="}),
    ({"region": ""}, {"mcp-param-region": ""}),
    ({"year": 2026}, {"mcp-param-year": "2026"}),
    ({"year": 2026}, {"mcp-param-year": "2026.0"}),
    ({"year": 2026.0}, {"mcp-param-year": "2026"}),
    ({"year": -0}, {"mcp-param-year": "0"}),
    ({"open": True}, {"mcp-param-open": "true"}),
    ({"where": {"shelf": "A"}}, {"mcp-param-shelf": "A"}),
    ({"where": {}}, {}),
    ({"region": "EU"}, {"mcp-param-region": "EU", "mcp-param-unknown": "passes"}),
]
WRONG: list[tuple[dict[str, Any], dict[str, str | None]]] = [
    ({"region": "EU"}, {}),
    ({"region": ""}, {}),
    ({"region": "EU"}, {"mcp-param-region": "US"}),
    ({"region": "EU"}, {"mcp-param-region": "eu"}),
    ({"region": "EU"}, {"mcp-param-region": "=?base64?RVU?="}),
    ({"region": "EU"}, {"mcp-param-region": "=?base64?RV*U=?="}),
    ({"region": "EU"}, {"mcp-param-region": "=?base64?RVV=?="}),
    ({"region": "=?base64?RVU=?="}, {"mcp-param-region": "=?base64?RVU=?="}),
    ({}, {"mcp-param-region": "EU"}),
    ({"year": 2026}, {"mcp-param-year": "2025"}),
    ({"year": 2026}, {"mcp-param-year": "2026.5"}),
    ({"year": 2026}, {"mcp-param-year": "2.026e3"}),
    ({"year": 1}, {"mcp-param-year": "9" * 5000}),
    ({"open": True}, {"mcp-param-open": "True"}),
    ({"open": True}, {"mcp-param-open": "1"}),
    ({"where": {"shelf": "A"}}, {}),
    ({"where": {}}, {"mcp-param-shelf": "A"}),
]


@pytest.mark.parametrize(("arguments", "headers"), RIGHT)
async def test_headers_that_repeat_the_arguments_pass(
    odd: House, arguments: dict[str, Any], headers: dict[str, str | None]
) -> None:
    result = result_of(await odd.call("numbers_by_region", arguments, headers=headers))
    assert result["structuredContent"] == arguments


@pytest.mark.parametrize(("arguments", "headers"), WRONG)
async def test_headers_that_say_something_else_are_refused_before_the_server(
    odd: House, arguments: dict[str, Any], headers: dict[str, str | None]
) -> None:
    response = await odd.call("numbers_by_region", arguments, headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (400, -32020)
    assert not odd.server.calls
    (refusal,) = await odd.records(kind="refusal")
    assert refusal["reason"] == "header_mismatch"


async def test_what_a_person_may_not_use_does_not_show_in_its_headers(odd: House) -> None:
    bad = {"mcp-param-region": "US"}
    hidden = await odd.call("numbers_by_region", {"region": "EU"}, person="ben", headers=bad)
    assert error_of(hidden)["message"] == "Unknown tool"
    assert error_of(hidden)["code"] == -32602


async def test_an_older_client_knows_no_such_headers_and_its_server_gets_them(odd: House) -> None:
    arguments = {"region": "Zürich", "year": 2026, "open": False, "where": {"shelf": "A"}}
    called = await odd.legacy("tools/call", {"name": "numbers_by_region", "arguments": arguments})
    assert result_of(called)["structuredContent"] == arguments
    sent = next(h for h, body in odd.server.seen if b"tools/call" in body)
    assert {key: sent[key] for key in sent if key.startswith("mcp-param-")} == {
        "mcp-param-region": "=?base64?WsO8cmljaA==?=", "mcp-param-year": "2026",
        "mcp-param-open": "false", "mcp-param-shelf": "A",
    }  # fmt: skip


# --- completion


def completing(ref: Any, value: str = "a") -> dict[str, Any]:
    return {"ref": ref, "argument": {"name": "of", "value": value}}


PROMPT_REF = {"type": "ref/prompt", "name": "numbers_sum_up"}
SHELF = {"type": "ref/resource", "uri": "numbers://shelf/{shelf}"}


async def test_completion_is_for_those_who_may_use_what_is_completed(odd: House) -> None:
    for ref, endpoint in (
        (PROMPT_REF, ""), (SHELF, ""), (SHELF, "numbers"),
        ({"type": "ref/prompt", "name": "sum_up"}, "numbers"),
    ):  # fmt: skip
        response = await odd.post("completion/complete", completing(ref), endpoint=endpoint)
        assert result_of(response)["completion"]["values"] == ["a-1", "a-2"]
    asked = odd.server.of("completion/complete")
    assert asked[0]["params"]["ref"] == {"type": "ref/prompt", "name": "sum_up"}
    assert "mcp-name" not in odd.server.seen[-1][0]
    older = await odd.legacy("completion/complete", completing(PROMPT_REF))
    assert result_of(older) == {"completion": {"values": ["a-1", "a-2"], "total": 2}}
    for ref in (PROMPT_REF, SHELF, {"type": "ref/prompt", "name": "numbers_nothing"}):
        hidden = await odd.post("completion/complete", completing(ref), person="ben")
        assert error_of(hidden)["code"] == -32602
        assert error_of(hidden)["message"].startswith("Unknown ")
    assert {one["kind"] for one in await odd.records()} <= {"event"}  # samples of what was refused


@pytest.mark.parametrize(
    "ref",
    [None, "x", {}, {"type": "ref/prompt"}, {"type": "ref/prompt", "name": 1}, {"type": []},
     {"type": "ref/tool", "name": "numbers_by_region"}, {"type": "ref/resource", "name": "x"}],
)  # fmt: skip
async def test_completion_refers_to_a_prompt_or_a_resource(odd: House, ref: Any) -> None:
    response = await odd.post("completion/complete", completing(ref))
    assert (response.status_code, error_of(response)["code"]) == (400, -32602)
    assert not odd.server.of("completion/complete")


async def test_completion_is_offered_where_a_server_completes(odd: House) -> None:
    for endpoint, offered in (("", True), ("numbers", True), ("letters", False)):
        found = result_of(await odd.post("server/discover", endpoint=endpoint))["capabilities"]
        assert ("completions" in found) is offered
    ref = {"type": "ref/resource", "uri": "letters://alphabet"}
    aggregate = result_of(await odd.post("completion/complete", completing(ref)))
    assert aggregate["completion"]["values"] == []
    own = await odd.post("completion/complete", completing(ref), endpoint="letters")
    assert (own.status_code, error_of(own)["code"]) == (404, -32601)


async def test_guessing_by_completion_is_as_slow_as_guessing_by_calls(odd: House) -> None:
    begun = time.monotonic()
    answers: list[httpx2.Response] = []
    while not answers or answers[-1].status_code == 400:
        ref = {**PROMPT_REF, "name": f"numbers_{len(answers)}"}
        answers.append(await odd.post("completion/complete", completing(ref)))
    assert answers[-1].status_code == 429
    refilled = (time.monotonic() - begun) / 2  # thirty a minute
    assert 30 <= len(answers) - 1 <= 31 + refilled


# --- resources and prompts


async def test_what_one_person_reads_no_cache_gives_to_another(odd: House) -> None:
    """Its server says `public`; what is shown to whom is decided here."""
    result = result_of(await odd.post("resources/read", {"uri": "numbers://shelf/a"}))
    assert (result["cacheScope"], result["ttlMs"]) == ("private", 5000)


async def test_a_resource_that_is_not_there_keeps_its_servers_words(odd: House) -> None:
    response = await odd.post("resources/read", {"uri": "numbers://shelf/nothing"})
    error = error_of(response)
    assert (response.status_code, error["code"]) == (400, -32602)
    assert error["data"]["uri"] == "numbers://shelf/nothing"


async def test_prompts_and_resources_may_ask_as_tools_do(odd: House) -> None:
    for method, params in (
        ("prompts/get", {"name": "numbers_sum_up", "arguments": {"of": "x"}}),
        ("resources/read", {"uri": "numbers://shelf/secret"}),
    ):
        asked = result_of(await odd.post(method, {**params, "_meta": CAN_ANSWER}))
        assert asked["resultType"] == "input_required"
        assert "cacheScope" not in asked
        again = {**params, "_meta": CAN_ANSWER, "requestState": asked["requestState"]}
        done = result_of(
            await odd.post(method, {**again, "inputResponses": {"why": {"action": "decline"}}})
        )
        assert done["resultType"] == "complete"
        undeclared = await odd.post(method, params)
        assert (undeclared.status_code, error_of(undeclared)["code"]) == (400, -32021)
        older = error_of(await odd.legacy(method, params))
        assert older["code"] == -31426
        assert "2026-07-28" in older["message"]
