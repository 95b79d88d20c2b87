"""What happens to a call that was let in: mistaken, limited, unanswered, cut off, abandoned.

On tools/call each of these is a tool error the model reads, and an outcome on the record.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from house.asks import GOOD, body_of
from house.backends import Behaviour, answers, counted_server, result_of
from house.conftest import Opened
from house.house import META, REFUSED, House
from house.wire import Wire, events
from people import Issuer
from shared.toolbox import wait_long


def tool_error(response: Any) -> tuple[str, dict[str, Any]]:
    """The words for the model and the stable part beside them."""
    assert response.status_code == 200, response.text
    streamed = response.headers["content-type"] == "text/event-stream"
    result = (events(response.content)[-1] if streamed else response.json())["result"]
    assert result["isError"] is True
    return result["content"][0]["text"], result["_meta"].get(REFUSED, {})


async def test_every_wrong_argument_is_named_in_one_answer_and_nothing_is_sent(
    home: House,
) -> None:
    response = await home.call(
        GOOD["name"], {"numbers": [1, 12, "x"], "styel": "roman", "style": "romn"}
    )
    text, _ = tool_error(response)
    assert text.startswith("The arguments of numbers_add_numbers have 4 problems")
    problems = response.json()["result"]["_meta"]["dev.mcp-in-production/problems"]
    assert {problem["path"] for problem in problems} == {
        "$.numbers.1", "$.numbers.2", "$.styel", "$.style",
    }  # fmt: skip
    assert not home.server.calls
    intent, outcome = await home.records(tool="add_numbers")
    assert (intent["kind"], outcome["kind"]) == ("intent", "outcome")
    assert (outcome["status"], outcome["reason"]) == ("tool_error", "invalid_arguments")


async def test_a18_unknown_arguments_do_not_slip_past_the_pinned_schema(home: House) -> None:
    extras: list[dict[str, Any]] = [{"\u006eumberz": 1}, {"$ref": "#"}, {"__proto__": {}}]
    for extra in extras:
        text, _ = tool_error(await home.call(GOOD["name"], {"numbers": [1], **extra}))
        assert "unknown argument" in text
    assert not home.server.calls


async def test_arguments_reach_the_server_byte_for_byte(home: House) -> None:
    raw = b'{"numbers" : [1,2],"style":"pl\\u0061in"}'
    body = body_of().replace(json.dumps(GOOD["arguments"]).encode(), raw)
    wire = await Wire(home.gateway, home.headers("tools/call", name=GOOD["name"]), [body]).run()
    assert wire.document["result"]["structuredContent"]["total"] == 3
    ((_, sent),) = home.server.seen
    assert raw in sent


async def test_the_third_call_of_a_contractor_is_limited(home: House) -> None:
    for _ in range(2):
        assert (await home.call(GOOD["name"], GOOD["arguments"], person="dee")).json()["result"]
    limited = await home.call(GOOD["name"], GOOD["arguments"], person="dee")
    text, said = tool_error(limited)
    assert "too many calls of numbers_add_numbers" in text
    assert said["code"] == "rate_limited"
    assert 25 < said["retryAfter"] <= 30
    assert len(home.server.calls) == 2
    (record,) = await home.records(person="dee", kind="refusal")
    assert (record["decision"], record["status"]) == ("limit", "refused")
    # ana has the wider rate of her role
    assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]["structuredContent"]


async def test_r02_one_limit_holds_on_both_endpoints_and_in_both_eras(home: House) -> None:
    await home.call("add_numbers", GOOD["arguments"], person="dee", endpoint="numbers")
    await home.legacy("tools/call", GOOD, person="dee")
    text, said = tool_error(await home.call(GOOD["name"], GOOD["arguments"], person="dee"))
    assert said["code"] == "rate_limited"
    assert "Limited" in text


async def test_what_the_policy_redacts_is_not_in_the_record_of_a_call_or_of_a_refusal(
    home: House,
) -> None:
    arguments = {"number": 3, "idempotency_key": "key-00001", "note": "the vault is open"}
    assert (await home.call("numbers_note_number", arguments)).json()["result"]
    await home.call("numbers_note_number", arguments, person="dee")
    records = await home.records(tool="note_number")
    assert [one["kind"] for one in records] == ["intent", "outcome", "refusal"]
    assert "vault" not in json.dumps(records)
    assert records[0]["args"]["number"] == 3
    assert records[2]["args"]["note"]["redacted"] == "policy"


async def test_t23_no_server_ever_sees_the_callers_token(home: House) -> None:
    mine = home.token("ana")
    meta = {**META, "authorization": f"Bearer {mine}", "dev.example/token": mine}
    params = {**GOOD, "_meta": meta}
    headers = home.headers("tools/call", name=GOOD["name"]) | {"cookie": f"t={mine}"}
    headers |= {"x-forwarded-authorization": mine, "mcp-session-id": mine}
    wire = await Wire(home.gateway, headers, [body_of(params=params)]).run()
    assert wire.status == 200
    await home.post("resources/list")
    assert len(home.server.seen) >= 2
    for sent, body in home.server.seen:
        assert mine not in json.dumps(sent)
        assert mine.encode() not in body
        assert sent["authorization"].startswith("Bearer ey")


async def test_h23_concurrent_calls_with_the_same_id_never_mix_answers(home: House) -> None:
    people = ["ana", "dee"]

    async def ask(index: int) -> tuple[int, str, Any]:
        person = people[index < 2]
        numbers = [index % 10, index // 10]
        response = await home.call("numbers_add_numbers", {"numbers": numbers}, person=person)
        return sum(numbers), person, response.json()

    for expected, person, document in await asyncio.gather(*map(ask, range(60))):
        assert document["id"] == 7
        assert document["result"]["structuredContent"] == {"total": expected, "who": person}
    receipts = await home.records(kind="outcome")
    assert len({one["rid"] for one in receipts}) == 60


# --- a server that does not answer as it should


def a_lot(call: dict[str, Any]) -> bytes:
    content = [{"type": "text", "text": "x" * (5 * 1024 * 1024)}]
    return json.dumps(result_of(call, content=content)).encode()


async def drip(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})  # fmt: skip
    for _ in range(100):
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
    assert 0.9 < asyncio.get_running_loop().time() - started < 3
    assert said["code"] == "timed_out"
    assert "No answer within 1 s" in text
    (outcome,) = await home.records(kind="outcome")
    assert (outcome["status"], outcome["reason"]) == ("failed", "timed_out")


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


# --- time, and callers who leave


async def test_a_tool_that_takes_too_long_is_cancelled_and_says_what_to_do(home: House) -> None:
    wait_long.CANCELLED.clear()
    started = asyncio.get_running_loop().time()
    text, said = tool_error(
        await home.call(
            "numbers_wait_long", {"seconds": 30}, headers={"accept": "application/json"}
        )
    )
    assert 0.9 < asyncio.get_running_loop().time() - started < 3
    assert said["code"] == "timed_out"
    assert "Ask for less" in text
    (outcome,) = await home.records(kind="outcome")
    assert (outcome["status"], outcome["reason"]) == ("failed", "timed_out")
    await until(lambda: wait_long.CANCELLED == [30])


async def test_progress_streams_before_the_answer_and_the_answer_after_its_record(
    home: House,
) -> None:
    params = {"name": "numbers_wait_long", "arguments": {"seconds": 0.5}}
    params["_meta"] = {**META, "progressToken": "p1"}
    headers = home.headers("tools/call", name="numbers_wait_long")
    wire = Wire(home.gateway, headers, [body_of(params=params)])
    running = asyncio.create_task(wire.run())
    await asyncio.wait_for(wire.first.wait(), 5)
    await until(lambda: len(wire.sent) == 2)
    assert wire.answer_headers["content-type"] == "text/event-stream"
    assert wire.answer_headers["x-accel-buffering"] == "no"
    assert [one["kind"] for one in await home.records()] == ["intent"]
    await running
    progress, final = events(wire.body)
    assert progress["method"] == "notifications/progress"
    assert progress["params"]["progressToken"] == "p1"
    assert final["id"] == 7
    assert final["result"]["structuredContent"] == {"seconds": 0.5}
    (outcome,) = await home.records(kind="outcome")
    assert final["result"]["_meta"]["dev.mcp-in-production/audit"]["seq"]
    assert outcome["status"] == "ok"


async def test_h25_a_caller_who_leaves_is_one_outcome_and_the_tool_is_cancelled(
    home: House,
) -> None:
    wait_long.CANCELLED.clear()
    params = {"name": "numbers_wait_long", "arguments": {"seconds": 20}, "_meta": META}
    headers = home.headers("tools/call", name="numbers_wait_long")
    wire = Wire(home.gateway, headers, [body_of(params=params)])
    running = asyncio.create_task(wire.run())
    await until(lambda: len(home.server.calls) == 1)
    await asyncio.sleep(0.05)
    wire.leave.set()
    await asyncio.wait_for(running, 2)
    assert wire.sent == []
    (outcome,) = await home.settled(1, kind="outcome")
    assert (outcome["status"], outcome["reason"]) == ("cancelled", "caller_gone")
    await until(lambda: wait_long.CANCELLED == [20])
    assert len(await home.records(kind="outcome")) == 1


async def test_h25_leaving_at_any_moment_leaves_whole_records(home: House) -> None:
    """An intent that was written has its outcome, wherever the caller left."""
    for milliseconds in range(12):
        headers = home.headers("tools/call", name=GOOD["name"])
        wire = Wire(home.gateway, headers, [body_of()])
        running = asyncio.create_task(wire.run())
        await asyncio.sleep(milliseconds / 1000)
        wire.leave.set()
        await asyncio.wait_for(running, 5)
    await asyncio.sleep(0.2)
    records = await home.records()
    intents = [one["rid"] for one in records if one["kind"] == "intent"]
    outcomes = [one["rid"] for one in records if one["kind"] == "outcome"]
    assert sorted(intents) == sorted(outcomes)
    assert len(set(intents)) == len(intents)


# --- definitions that changed, servers that are gone


async def test_u02_a_tool_that_changed_since_its_review_is_closed(
    issuer: Issuer, opened: Opened
) -> None:
    from house.backends import a_server, changed

    other = a_server()
    changed(other, "add_numbers")
    async with counted_server(issuer, other) as server, opened(server) as home:
        home.mark = 0  # definitions are compared at the start, too
        text, said = tool_error(await home.call(GOOD["name"], GOOD["arguments"]))
        assert text.startswith("Closed:")
        assert said["code"] == "quarantined"
        assert not server.calls
        (event,) = await home.records(kind="event", reason="drift")
        assert event["detail"] == {"server": "numbers", "family": "tool", "name": "add_numbers"}
        (refusal,) = await home.records(kind="refusal")
        assert refusal["reason"] == "quarantined:numbers_add_numbers"
        listed = (await home.post("tools/list")).json()["result"]["tools"]
        assert [tool["name"] for tool in listed] == ["numbers_note_number", "numbers_wait_long"]
        # who may not use it learns nothing of this
        other_person = await home.call(GOOD["name"], GOOD["arguments"], person="cho")
        assert other_person.json()["error"]["message"] == "Unknown tool"


async def test_u02_a_change_while_it_runs_is_noticed_and_its_end_too(
    issuer: Issuer, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    from house.backends import a_server, changed

    monkeypatch.setattr("mcp_gateway.drift.AGAIN_SECONDS", 0.05)
    mcp = a_server()
    async with counted_server(issuer, mcp) as server, opened(server) as home:
        assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]
        before = mcp._tool_manager._tools["add_numbers"].description
        changed(mcp, "add_numbers")
        await home.settled(1, kind="event", reason="drift")
        _, said = tool_error(await home.call(GOOD["name"], GOOD["arguments"]))
        assert said["code"] == "quarantined"
        mcp._tool_manager._tools["add_numbers"].description = before
        await home.settled(1, kind="event", reason="drift_over")
        assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"][
            "structuredContent"
        ]
        assert len(await home.records(kind="event", reason="drift")) == 1


async def test_a07_a_tool_the_server_grew_is_neither_listed_nor_called(
    issuer: Issuer, opened: Opened
) -> None:
    from house.backends import a_server
    from house.toolbox import count_letters

    from mcp_shared import serve

    grown = a_server()
    grown._tool_manager._tools["count_letters"] = serve._tool(count_letters)
    async with counted_server(issuer, grown) as server, opened(server) as home:
        response = await home.call("numbers_count_letters", {"text": "x"})
        assert response.json()["error"]["code"] == -32602
        assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]
        assert "count_letters" not in (await home.post("tools/list")).text


async def test_a_server_that_died_is_unavailable_and_its_return_is_noticed(
    issuer: Issuer, opened: Opened
) -> None:
    async with counted_server(issuer) as server:
        port = server.port
        opening = opened(server)
        home = await opening.__aenter__()
        assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]
    try:
        text, said = tool_error(await home.call(GOOD["name"], GOOD["arguments"]))
        assert said["code"] == "server_unavailable"
        assert "numbers cannot be reached. Nothing was done." in text
        assert said["retryAfter"] > 0
        *_, outcome = await home.records(kind="outcome")
        assert (outcome["status"], outcome["reason"]) == ("failed", "server_unavailable")
        for _ in range(5):
            _, said = tool_error(await home.call(GOOD["name"], GOOD["arguments"]))
        assert said["code"] == "circuit_open"
        async with counted_server(issuer, port=port):
            home.breaker._open_until = 0.0  # its rest is over
            again = await home.call(GOOD["name"], GOOD["arguments"])
            assert again.json()["result"]["structuredContent"]["total"] == 1
    finally:
        await opening.__aexit__(None, None, None)


async def test_a_server_that_never_came_up_is_unavailable_and_on_the_record(
    issuer: Issuer, opened: Opened
) -> None:
    async with counted_server(issuer) as server:
        pass
    async with opened(server) as home:
        text, said = tool_error(await home.call(GOOD["name"], GOOD["arguments"]))
        assert said["code"] == "server_unavailable"
        assert "numbers does not answer" in text
        (refusal,) = await home.records(kind="refusal")
        assert (refusal["decision"], refusal["status"]) == ("error", "refused")
        assert (await home.post("tools/list")).status_code == 200


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.01)
