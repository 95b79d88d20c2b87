"""Time that runs out and callers who leave: the tool hears of it, and the record stays whole."""

import asyncio

from house.asks import GOOD, body_of, tool_error, until
from house.house import META, House
from house.wire import Wire, events
from shared.toolbox import wait_long


async def test_a_tool_that_takes_too_long_is_cancelled_and_says_what_to_do(home: House) -> None:
    wait_long.CANCELLED.clear()
    started = asyncio.get_running_loop().time()
    text, said = tool_error(
        await home.call(
            "numbers_wait_long", {"seconds": 30}, headers={"accept": "application/json"}
        )
    )
    assert 0.9 < asyncio.get_running_loop().time() - started < 15
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


async def test_a_caller_who_leaves_is_one_outcome_and_the_tool_is_cancelled(
    home: House,
) -> None:
    wait_long.CANCELLED.clear()
    before = len(wait_long.BEGUN)
    params = {"name": "numbers_wait_long", "arguments": {"seconds": 20}, "_meta": META}
    headers = home.headers("tools/call", name="numbers_wait_long")
    wire = Wire(home.gateway, headers, [body_of(params=params)])
    running = asyncio.create_task(wire.run())
    await until(lambda: len(wait_long.BEGUN) > before)
    wire.leave.set()
    await asyncio.wait_for(running, 10)
    assert wire.sent == []
    (outcome,) = await home.settled(1, kind="outcome")
    assert (outcome["status"], outcome["reason"]) == ("cancelled", "caller_gone")
    await until(lambda: wait_long.CANCELLED == [20])
    assert len(await home.records(kind="outcome")) == 1


async def test_leaving_at_any_moment_leaves_whole_records(home: House) -> None:
    """An intent that was written has its outcome, wherever the caller left."""
    for milliseconds in range(12):
        headers = home.headers("tools/call", name=GOOD["name"])
        wire = Wire(home.gateway, headers, [body_of()])
        running = asyncio.create_task(wire.run())
        await asyncio.sleep(milliseconds / 1000)
        wire.leave.set()
        await asyncio.wait_for(running, 5)
    assert home.gateway.edge is not None
    await home.gateway.edge.aclose()
    records = await home.records()
    intents = [one["rid"] for one in records if one["kind"] == "intent"]
    outcomes = [one["rid"] for one in records if one["kind"] == "outcome"]
    assert sorted(intents) == sorted(outcomes)
    assert len(set(intents)) == len(intents)
