"""What is inspected of an answer, what is left alone, and what it costs the others."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from gateway.made import a_call, a_principal, a_rule

from mcp_gateway.answers.inspection import LARGE, Inspection
from mcp_gateway.call import Answer, Grant
from mcp_gateway.rights.authorize import FAMILIES
from mcp_gateway.rights.policy_file import Answers
from mcp_gateway.upstream.interpret import interpreted
from mcp_shared.meta import ORIGIN

KEY = "AKIAIOSFODNN7EXAMPLE"


def granted(method: str = "tools/call", **terms: Any) -> Grant:
    rule = replace(a_rule(family=FAMILIES.get(method, "tool")), answers=Answers(**terms))
    return Grant(
        principal=a_principal("analyst"), call=a_call(method=method), server="one",
        target="read_it", rule=rule, definition="h", policy="v",
    )  # fmt: skip


async def inspected(result: Any, method: str = "tools/call", **terms: Any) -> Answer:
    document = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
    grant = granted(method, **terms)
    return await Inspection(b"key")(grant, interpreted(document, 200, grant), document)


def plain(answer: Answer) -> Any:
    return json.loads(msgspec.json.encode(answer.result))


async def test_a_servers_own_state_is_not_touched() -> None:
    result = {"resultType": "input_required", "requestState": KEY, "nextCursor": KEY, "other": KEY}
    said = plain(await inspected(result))
    assert (said["requestState"], said["nextCursor"]) == (KEY, KEY)
    assert said["other"] == "[redacted: aws_key]"


async def test_what_nothing_is_cut_out_of_passes_as_it_came() -> None:
    result = {"content": [{"type": "text", "text": "Grüße"}], "structuredContent": {"n": 1.10}}
    answer = await inspected(result)
    assert answer.inspected is None
    assert answer.result is not None
    for key, value in result.items():
        assert json.dumps(value).encode() == bytes(answer.result[key])
    assert plain(answer)["_meta"] == {ORIGIN: {"server": "one", "trusted": False}}
    assert plain(await inspected(result, untrusted=False))["_meta"] == {}


@pytest.mark.parametrize("how", ["redact", "block"])
async def test_what_was_held_back_is_told_for_the_record(how: Any) -> None:
    answer = await inspected({"content": [], "structuredContent": {"a": [KEY, KEY]}}, secrets=how)
    assert answer.inspected is not None
    assert (answer.inspected["secrets"], answer.inspected["count"]) == (how, 2)
    assert {one["kind"] for one in answer.inspected["found"]} == {"aws_key"}
    assert KEY not in json.dumps(answer.inspected)
    assert (answer.reason == "answer_withheld") is (how == "block")
    assert KEY not in json.dumps(plain(answer))


async def test_the_loop_goes_on_while_a_large_answer_is_looked_through() -> None:
    rows = [f"row {number}: nothing of note, {'words ' * 20}" for number in range(20_000)]
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    document = {"content": [], "structuredContent": {"rows": [*rows, KEY]}}
    assert len(json.dumps(document)) > 5 * LARGE
    grant = granted()
    written = json.dumps({"jsonrpc": "2.0", "id": 1, "result": document}).encode()
    answer = interpreted(written, 200, grant)
    await asyncio.sleep(0.02)
    before = len(ticks)
    cleaned = await Inspection(b"key")(grant, answer, written)
    ticking.cancel()
    assert cleaned.inspected is not None
    assert len(ticks) > before
