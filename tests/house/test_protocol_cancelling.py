"""An older client takes a call back by `notifications/cancelled`: who began it ends it, nobody else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from house.asks import error_of, until
from house.house import House
from house.wire import events
from shared.toolbox import wait_long

SLOW = {"name": "numbers_wait_long", "arguments": {"seconds": 20}}


@asynccontextmanager
async def under_way(
    home: House, request_id: Any = 7, **more: Any
) -> AsyncIterator[asyncio.Task[Any]]:
    """A call of an older client that its server has begun."""
    wait_long.CANCELLED.clear()
    before = len(wait_long.BEGUN)
    call = asyncio.create_task(home.legacy("tools/call", SLOW, request_id=request_id, **more))
    await until(lambda: len(wait_long.BEGUN) > before)
    try:
        yield call
    finally:
        assert home.gateway.edge is not None
        await home.gateway.edge.aclose()  # waits for the record, too
        await asyncio.wait({call})


async def takes_back(home: House, request_id: Any = 7, **more: Any) -> None:
    path = "/mcp"
    version = more.pop("version", "2025-11-25")
    headers = {
        "authorization": f"Bearer {more.get('token') or home.token(more.get('person', 'ana'))}",
        "content-type": "application/json", "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version,
    }  # fmt: skip
    params = {"requestId": request_id, "reason": "The person pressed stop."}
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
    answer = await home.http.post(path, content=json.dumps(message), headers=headers)
    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize("request_id", [7, "seven", 0])
async def test_a_call_that_is_taken_back_ends_and_its_tool_hears_of_it(
    home: House, request_id: Any
) -> None:
    async with under_way(home, request_id) as call:
        await takes_back(home, request_id)
        await takes_back(home, request_id)
        answer = await asyncio.wait_for(call, 10)
    streamed = answer.headers["content-type"] == "text/event-stream"
    said = events(answer.content)[-1]["error"] if streamed else error_of(answer)
    assert said["code"] == -31499
    await until(lambda: wait_long.CANCELLED == [20])
    (outcome,) = await home.settled(1, kind="outcome")
    assert (outcome["status"], outcome["reason"]) == ("cancelled", "caller_gone")


@pytest.mark.parametrize(
    "other",
    [
        {"request_id": 8},
        {"request_id": "7"},
        {"person": "ben"},
        {"version": "2026-07-28"},
        {"token": "another"},
    ],
    ids=["another id", "a text", "another person", "another era", "another sign-in"],
)
async def test_nobody_else_takes_it_back(home: House, other: dict[str, Any]) -> None:
    if "token" in other:
        other = {"token": home.issuer.token("ana", "aud:mcp")}
    async with under_way(home) as call:
        await takes_back(home, **other)
        await asyncio.sleep(0.1)
        assert not call.done()
        assert wait_long.CANCELLED == []


async def test_of_two_calls_with_one_id_neither_is_ended(home: House) -> None:
    """Two windows of one sign-in count from one; which of them meant it is not known."""
    async with under_way(home) as one, under_way(home) as two:
        await takes_back(home)
        await asyncio.sleep(0.1)
        assert not one.done()
        assert not two.done()


async def test_what_is_over_is_forgotten(home: House) -> None:
    assert home.gateway.edge is not None
    async with under_way(home) as call:
        await takes_back(home)
        await asyncio.wait_for(call, 10)
        await takes_back(home)
    assert home.gateway.edge.withdrawals._calls == {}
    assert home.gateway.edge.withdrawals._withdrawn == set()


@pytest.mark.parametrize("params", [{}, {"requestId": None}, {"requestId": {"a": 1}}])
async def test_a_notification_that_names_no_call_is_accepted_and_ends_none(
    home: House, params: dict[str, Any]
) -> None:
    headers = {
        "authorization": f"Bearer {home.token()}", "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }  # fmt: skip
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
    answer = await home.http.post("/mcp", content=json.dumps(message), headers=headers)
    assert answer.status_code == 202
