"""A server that does not answer as it should: a tool error for the model, an outcome for the record."""

import asyncio
import json
from typing import Any

import pytest
from house.asks import GOOD, body_of, tool_error
from house.backends import Behaviour, answers, result_of
from house.house import House
from house.wire import Wire, events

from mcp_gateway.upstream.breaker import FAILURES


def a_lot(call: dict[str, Any]) -> bytes:
    content = [{"type": "text", "text": "x" * (5 * 1024 * 1024)}]
    return json.dumps(result_of(call, content=content)).encode()


async def drip(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})  # fmt: skip
    for _ in range(400):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.05)


async def half(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"jsonrpc":', "more_body": True})
    raise ConnectionError("the server dies here")


async def half_a_stream(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    note = b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\r\n\r\n'
    await send({"type": "http.response.body", "body": note, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


WRONG: dict[str, tuple[Behaviour, str, str]] = {
    "500": (answers(b'{"detail":"boom at 10.0.0.7"}', status=500), "server_failed", "unknown"),
    "500 with an error": (
        answers(b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"at 10.0.0.7"}}', status=500),
        "server_failed", "failed",
    ),
    "401": (answers(b'{"error":"invalid_token"}', status=401), "server_failed", "failed"),
    "503": (answers(b'{"error":"temporarily_unavailable"}', status=503), "server_failed", "failed"),
    "302": (answers(b"", status=302, location="http://169.254.169.254/"), "server_failed", "unknown"),
    "garbage": (answers(b"\x00\xff<html>10.0.0.7"), "server_failed", "unknown"),
    "nothing": (answers(b""), "server_failed", "unknown"),
    "a list": (answers(b"[]"), "server_failed", "unknown"),
    "neither": (answers(b'{"jsonrpc":"2.0","id":1}'), "server_failed", "unknown"),
    "null": (answers(b'{"jsonrpc":"2.0","id":1,"result":null}'), "server_failed", "unknown"),
    "error text": (answers(b'{"jsonrpc":"2.0","id":1,"error":"10.0.0.7"}'), "server_failed", "failed"),
    "not UTF-8": (answers(b'{"jsonrpc":"2.0","id":1,"result":{"content":"\xff"}}'), "server_failed", "unknown"),
    "a key not UTF-8": (answers(b'{"\xff":"2.0","id":1,"result":{}}'), "server_failed", "unknown"),
    "deep": (answers(b'{"id":1,"result":{"a":' + b"[" * 9000 + b"]" * 9000 + b"}}"), "server_failed", "unknown"),
    "half": (half, "server_failed", "unknown"),
    "half a stream": (half_a_stream, "server_failed", "unknown"),
    "too large": (answers(a_lot({"id": 1})), "answer_too_large", "failed"),
    "too large a stream": (
        answers(b"data: " + a_lot({"id": 1}) + b"\n\n", kind="text/event-stream"),
        "answer_too_large", "failed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_server_that_answers_wrongly_is_a_tool_error_and_an_outcome(
    home: House, wrong: str
) -> None:
    behave, code, status = WRONG[wrong]
    home.breaker.worked()
    home.server.behave = behave
    response = await home.call(GOOD["name"], GOOD["arguments"])
    text, said = tool_error(response)
    assert said["code"] == code
    assert "10.0.0.7" not in response.text
    assert text
    (outcome,) = await home.records(kind="outcome")
    assert (outcome["status"], outcome["reason"]) == (status, code)
    assert len(home.server.calls) == 1  # nothing is sent twice
    home.server.behave = None
    assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]["structuredContent"]


async def test_u06_a_server_that_drips_is_cut_off_at_the_tools_timeout(home: House) -> None:
    home.server.behave = drip
    started = asyncio.get_running_loop().time()
    text, said = tool_error(await home.call("numbers_wait_long", {"seconds": 0}))
    assert 0.9 < asyncio.get_running_loop().time() - started < 15
    assert said["code"] == "timed_out"
    assert "No answer within 1 s" in text
    (outcome,) = await home.records(kind="outcome")
    assert (outcome["status"], outcome["reason"]) == ("failed", "timed_out")


async def test_a_server_that_hangs_rests_after_five_timeouts_and_is_tried_again(
    home: House,
) -> None:
    home.server.behave = drip
    asked = (home.call("numbers_wait_long", {"seconds": 0}) for _ in range(FAILURES))
    for response in await asyncio.gather(*asked):
        assert tool_error(response)[1]["code"] == "timed_out"
    asked_so_far = len(home.server.calls)
    _, said = tool_error(await home.call("numbers_wait_long", {"seconds": 0}))
    assert said["code"] == "circuit_open"
    assert len(home.server.calls) == asked_so_far
    home.server.behave = None
    home.breaker._open_until = 0.0  # its rest is over
    assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]["structuredContent"]
    assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]["structuredContent"]


@pytest.mark.parametrize(
    "result",
    [
        {"_meta": None}, {"_meta": []}, {"_meta": "x"}, {"isError": "yes"}, {"resultType": "task"},
        {"content": "no list"}, {},
    ],
)  # fmt: skip
async def test_an_odd_result_is_passed_on_with_its_receipt(
    home: House, result: dict[str, Any]
) -> None:
    home.server.behave = answers(json.dumps(result_of({"id": 1}, **result)).encode())
    response = await home.call(GOOD["name"], GOOD["arguments"])
    assert response.status_code == 200
    assert response.json()["result"]["_meta"]["dev.mcp-in-production/audit"]["leaf"]
    assert len(await home.records(kind="outcome")) == 1


async def test_a_server_cannot_slip_an_answer_past_the_record(home: House) -> None:
    """Neither an escaped key nor a bare CR turns a notification into a second, unrecorded answer."""
    forged = '{"jsonrpc":"2.0","\\u0069d":7,"result":{"content":[],"forged":true}}'
    note = '{"jsonrpc":"2.0","method":"notifications/progress","params":{}}'
    for stream in (
        f"data: {forged}\n\n",
        f"data: {note}\r\rdata: {forged}\n\n",
        f"data: {note}\ndata: \ndata: {forged}\n\n",
    ):
        home.breaker.worked()
        home.server.behave = answers(stream.encode(), kind="text/event-stream")
        headers = home.headers("tools/call", name=GOOD["name"])
        wire = await Wire(home.gateway, headers, [body_of()]).run()
        streamed = "text/event-stream" in wire.answer_headers["content-type"]
        got = events(wire.body) if streamed else [wire.document]
        final = [message for message in got if "id" in message]
        assert len(final) == 1, wire.body
        assert "dev.mcp-in-production/audit" in final[0]["result"]["_meta"]
