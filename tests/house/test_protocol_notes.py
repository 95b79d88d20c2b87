"""What travels on the way to an answer: only what the request asked for."""

import json
from typing import Any

import pytest
from house.asks import GOOD, body_of, error_of
from house.backends import answers
from house.house import META, House
from house.wire import Wire, events

LEVEL = "io.modelcontextprotocol/logLevel"
NOTES = {
    "notifications/progress": {"progressToken": "p", "progress": 1},
    "notifications/message": {"level": "info", "data": "working"},
    "notifications/tools/list_changed": {},
    "notifications/cancelled": {"requestId": 7},
    "sampling/createMessage": {},
}


def chatty() -> Any:
    notes = [{"jsonrpc": "2.0", "method": name, "params": of} for name, of in NOTES.items()]
    final = {"jsonrpc": "2.0", "id": 1, "result": {"content": []}}
    stream = "".join(f"data: {json.dumps(one)}\n\n" for one in [*notes, final])
    return answers(stream.encode(), kind="text/event-stream")


async def heard(home: House, headers: dict[str, str], meta: dict[str, Any]) -> list[str]:
    home.server.behave = chatty()
    wire = await Wire(home.gateway, headers, [body_of(params={**GOOD, "_meta": meta})]).run()
    if wire.answer_headers["content-type"] == "application/json":
        return ["result" if "result" in wire.document else "error"]
    return [one.get("method", "result") for one in events(wire.body)]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, []),
        ({"progressToken": "p"}, ["notifications/progress"]),
        ({LEVEL: "info"}, ["notifications/message"]),
        (
            {"progressToken": "p", LEVEL: "debug"},
            ["notifications/progress", "notifications/message"],
        ),
    ],
)
async def test_a_client_hears_only_what_its_request_asked_for(
    home: House, asked: dict[str, Any], names: list[str]
) -> None:
    headers = home.headers("tools/call", name=GOOD["name"])
    assert await heard(home, headers, {**META, **asked}) == [*names, "result"]
    sent = home.server.calls[0]["params"]["_meta"]
    assert {key: sent[key] for key in asked} == asked
    assert (LEVEL in sent) is (LEVEL in asked)


async def test_an_older_client_hears_log_lines_at_the_one_level_there_is(home: House) -> None:
    headers = home.headers("tools/call", name=GOOD["name"]) | {"mcp-protocol-version": "2025-11-25"}
    assert await heard(home, headers, {}) == ["notifications/message", "result"]
    assert home.server.calls[0]["params"]["_meta"][LEVEL] == "info"
    assert (await home.legacy("logging/setLevel", {"level": "error"})).json()["result"] == {}
    for wrong in ({}, {"level": "loud"}, {"level": 1}, {"level": ["info"]}):
        assert error_of(await home.legacy("logging/setLevel", wrong))["code"] == -32602
    capabilities = (await home.legacy("initialize")).json()["result"]["capabilities"]
    assert capabilities["logging"] == {}


@pytest.mark.parametrize("level", ["loud", "", 1, None, ["info"], {}])
async def test_a_level_that_is_none_is_refused(home: House, level: Any) -> None:
    response = await home.post("tools/call", {**GOOD, "_meta": {LEVEL: level}})
    assert (response.status_code, error_of(response)["code"]) == (400, -32602)
    assert not home.server.calls


async def test_what_an_older_client_cannot_have_is_refused_plainly(home: House) -> None:
    for method in ("resources/subscribe", "resources/unsubscribe", "tasks/get", "tasks/list"):
        response = await home.legacy(method, {"uri": "numbers://digits/1"})
        assert (response.status_code, error_of(response)["code"]) == (200, -32601)


async def test_what_a_modern_client_no_longer_has_is_404(home: House) -> None:
    for method in ("initialize", "ping", "logging/setLevel", "resources/subscribe"):
        response = await home.post(method, {"level": "info"})
        assert (response.status_code, error_of(response)["code"]) == (404, -32601)


async def test_a_method_its_server_does_not_know_is_404_as_well(home: House) -> None:
    error = {"code": -32601, "message": "Method not found"}
    document = {"jsonrpc": "2.0", "id": 1, "error": error}
    home.server.behave = answers(json.dumps(document).encode(), status=404)
    response = await home.call(GOOD["name"], GOOD["arguments"])
    assert (response.status_code, error_of(response)["code"]) == (404, -32601)
