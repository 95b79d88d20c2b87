"""A server that asks in the middle of a call: whom it may ask, and what may come back."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from house.asks import GOOD, error_of, tool_error
from house.backends import Behaviour, answers
from house.house import RECEIPT, House

ASKS = {
    "name": {
        "method": "elicitation/create",
        "params": {"message": "Your name?", "requestedSchema": {"type": "object"}},
    }
}
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
CAN_ANSWER: dict[str, Any] = {CAPABILITIES: {"elicitation": {}}}
STATE = "step 1 of tool add_numbers"


def says(**result: Any) -> Behaviour:
    return answers(json.dumps({"jsonrpc": "2.0", "id": "x", "result": result}).encode())


def asks(requests: Any = None, state: Any = STATE) -> Behaviour:
    result = {"resultType": "input_required", "inputRequests": requests or ASKS}
    return says(**result, **({} if state is None else {"requestState": state}))


DONE = says(content=[], structuredContent={"total": 1})


async def call(
    home: House, state: Any = None, name: str = GOOD["name"], numbers: Any = (1,), **more: Any
) -> Any:
    params: dict[str, Any] = {"name": name, "arguments": {"numbers": list(numbers)}}
    params["_meta"] = more.pop("meta", CAN_ANSWER)
    if state is not None:
        params |= {"requestState": state, "inputResponses": {"name": {"action": "accept"}}}
    return await home.post("tools/call", params, **more)


async def asked(home: House) -> str:
    home.server.behave = asks()
    state: str = (await call(home)).json()["result"]["requestState"]
    return state


async def test_a_question_reaches_a_client_that_can_answer_and_the_answer_its_server(
    home: House,
) -> None:
    home.server.behave = asks()
    result = (await call(home)).json()["result"]
    assert result["resultType"] == "input_required"
    assert result["inputRequests"] == ASKS
    assert "add_numbers" not in result["requestState"]
    assert result["_meta"][RECEIPT]["leaf"]
    assert not {"ttlMs", "cacheScope"} & result.keys()
    home.server.behave = DONE
    done = (await call(home, result["requestState"])).json()["result"]
    assert done["resultType"] == "complete"
    assert done["structuredContent"]["total"] == 1
    first, second = home.server.calls
    assert "requestState" not in first["params"]
    assert second["params"]["requestState"] == STATE
    assert second["params"]["inputResponses"] == {"name": {"action": "accept"}}
    assert first["id"] != second["id"]
    outcomes = await home.records(kind="outcome")
    assert [(one["status"], one["reason"]) for one in outcomes] == [
        ("ok", "input_required"), ("ok", ""),
    ]  # fmt: skip


async def test_a_question_without_state_has_none_to_bring_back(home: House) -> None:
    home.server.behave = asks(state=None)
    assert "requestState" not in (await call(home)).json()["result"]
    home.server.behave = None
    params = {**GOOD, "inputResponses": {"name": {"action": "decline"}}, "_meta": CAN_ANSWER}
    assert (await home.post("tools/call", {**params, "requestState": None})).json()["result"]
    assert "requestState" not in home.server.calls[-1]["params"]


@pytest.mark.parametrize("wrong", [0, 1, True, [], {}, ["x"]])
async def test_a_state_that_is_no_string_is_refused(home: House, wrong: Any) -> None:
    home.server.behave = asks()
    response = await call(home, wrong)
    assert (response.status_code, error_of(response)["code"]) == (400, -32602)
    assert not home.server.calls


async def test_a_state_lasts_ten_minutes(home: House) -> None:
    state = await asked(home)
    home.server.behave = DONE
    assert home.gateway.edge is not None
    rounds = home.gateway.edge.pipeline.rounds
    real: Callable[[], float] = rounds._clock
    try:
        rounds._clock = lambda: time.time() + 595
        assert (await call(home, state)).json()["result"]["structuredContent"]
        rounds._clock = lambda: time.time() + 601
        response = await call(home, state)
        assert (response.status_code, error_of(response)["code"]) == (400, -32602)
        (refusal,) = await home.records(kind="refusal")
        assert refusal["reason"] == "request_state:expired"
    finally:
        rounds._clock = real


@pytest.mark.parametrize(
    ("declared", "request_", "needed"),
    [
        ({}, ASKS["name"], {"elicitation": {}}),
        ({"sampling": {}}, ASKS["name"], {"elicitation": {}}),
        ({"elicitation": {"url": {}}}, ASKS["name"], {"elicitation": {"form": {}}}),
        (
            {"elicitation": {}},
            {"method": "elicitation/create", "params": {"mode": "url", "url": "https://x.example"}},
            {"elicitation": {"url": {}}},
        ),
        ({"elicitation": {}}, {"method": "sampling/createMessage"}, {"sampling": {}}),
        ({"elicitation": {}}, {"method": "roots/list"}, {"roots": {}}),
        ({"elicitation": True}, ASKS["name"], {"elicitation": {}}),
    ],
)
async def test_a_client_is_not_asked_what_it_has_not_said_it_can_answer(
    home: House, declared: Any, request_: Any, needed: Any
) -> None:
    home.server.behave = asks({"one": request_})
    response = await call(home, meta={CAPABILITIES: declared})
    error = error_of(response)
    assert (response.status_code, error["code"]) == (400, -32021)
    assert error["data"]["requiredCapabilities"] == needed
    assert "Your name?" not in response.text
    (outcome,) = await home.records(kind="outcome")
    assert (outcome["status"], outcome["reason"]) == ("failed", "missing_capability")


async def test_what_a_server_itself_finds_missing_passes_to_the_client(home: House) -> None:
    error = {"code": -32021, "message": "no", "data": {"requiredCapabilities": {"sampling": {}}}}
    document = {"jsonrpc": "2.0", "id": "x", "error": error}
    home.server.behave = answers(json.dumps(document).encode(), status=400)
    response = await call(home)
    assert response.status_code == 400
    assert error_of(response)["data"]["requiredCapabilities"] == {"sampling": {}}
    # an older client can declare nothing with a call
    text, said = tool_error(await home.legacy("tools/call", GOOD))
    assert said["code"] == "needs_newer_client"
    assert "2026-07-28" in text


async def test_an_older_client_is_told_that_it_cannot_be_asked(home: House) -> None:
    home.server.behave = asks()
    response = await home.legacy("tools/call", GOOD)
    text, said = tool_error(response)
    assert said["code"] == "needs_newer_client"
    assert "It is not finished." in text
    assert "2026-07-28" in text
    assert "requestState" not in response.text
    sent = home.server.calls[0]["params"]["_meta"]
    assert sent[CAPABILITIES] == {}


@pytest.mark.parametrize(
    "result",
    [
        {"resultType": "task", "taskId": "1"},
        {"resultType": "something"},
        {"resultType": 7},
        {"resultType": "input_required"},
        {"resultType": "input_required", "inputRequests": []},
        {"resultType": "input_required", "inputRequests": {"a": {"method": "tools/call"}}},
        {"resultType": "input_required", "inputRequests": {"a": 1}},
        {"resultType": "input_required", "requestState": 7},
    ],
)
async def test_a_kind_of_result_that_is_not_the_protocols_is_a_failure(
    home: House, result: dict[str, Any]
) -> None:
    home.server.behave = says(**result)
    _, said = tool_error(await call(home))
    assert said["code"] == "server_failed"
    (outcome,) = await home.records(kind="outcome")
    assert outcome["status"] == "failed"


async def test_extensions_that_do_not_pass_here_are_not_offered_to_servers(home: House) -> None:
    declared: dict[str, Any] = {
        "elicitation": {},
        "extensions": {"io.modelcontextprotocol/tasks": {}},
    }
    await call(home, meta={CAPABILITIES: declared})
    assert home.server.calls[0]["params"]["_meta"][CAPABILITIES] == {"elicitation": {}}
