"""A caller who leaves takes the query along: within a second the database works for somebody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from house.asks import body_of
from house.house import META, House
from house.wire import Wire, events
from people import Issuer
from postgres.loaded import Loaded
from postgres.served import SLOW, UNBOUNDED, Served, served, until_busy

SOON = 5.0  # seconds from leaving to an idle backend; the query would take many times that


@pytest_asyncio.fixture
async def server(warehouse_issuer: Issuer, warehouse: Loaded) -> AsyncIterator[Served]:
    async with served(warehouse_issuer, warehouse, connections=1, **UNBOUNDED) as running:
        yield running


async def test_a_client_that_hangs_up_frees_the_database(
    server: Served, admin: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    headers, body = server.request("ana", SLOW)
    async with httpx2.AsyncClient(timeout=60) as client:
        call = asyncio.create_task(client.post(server.address, headers=headers, json=body))
        await until_busy(admin, lambda count: count == 1)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
    assert await until_busy(admin, lambda count: count == 0) < SOON
    # the only connection is whole, and the next person's
    answer = await server.ask("ben", "SELECT DISTINCT region FROM orders")
    assert answer.rows == [["EUROPE"]]
    assert [one for one in caplog.records if one.levelname in {"WARNING", "ERROR"}] == []


def call_of(sql: str, **meta: Any) -> dict[str, Any]:
    arguments = {"name": "warehouse_run_sql", "arguments": {"sql": sql}}
    return {**arguments, "_meta": {**META, **meta}}


async def test_leaving_the_gateway_frees_the_database_behind_it(
    warehouse_house: House, admin: asyncpg.Connection
) -> None:
    home = warehouse_house
    headers = home.headers("tools/call", name="warehouse_run_sql")
    wire = Wire(home.gateway, headers, [body_of(params=call_of(SLOW))])
    running = asyncio.create_task(wire.run())
    await until_busy(admin, lambda count: count == 1)
    wire.leave.set()
    assert await until_busy(admin, lambda count: count == 0) < SOON
    await asyncio.wait_for(running, 10)
    (outcome,) = await home.settled(1, kind="outcome")
    assert (outcome["status"], outcome["reason"]) == ("cancelled", "caller_gone")


async def test_an_older_client_takes_its_query_back_by_notification(
    warehouse_house: House, admin: asyncpg.Connection
) -> None:
    home = warehouse_house
    asked = {"name": "warehouse_run_sql", "arguments": {"sql": SLOW}}
    call = asyncio.create_task(home.legacy("tools/call", asked, request_id=41))
    await until_busy(admin, lambda count: count == 1)
    await home.http.post(
        "/mcp",
        json={
            "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 41},
        },
        headers={
            "authorization": f"Bearer {home.token()}", "mcp-protocol-version": "2025-11-25",
            "content-type": "application/json", "accept": "application/json, text/event-stream",
        },
    )  # fmt: skip
    assert await until_busy(admin, lambda count: count == 0) < SOON
    await asyncio.wait_for(call, 10)


async def test_a_long_query_says_on_the_way_that_it_runs(
    warehouse_issuer: Issuer, warehouse: Loaded
) -> None:
    given = {**UNBOUNDED, "statement_seconds": 2.6, "deadline_seconds": 4}
    async with served(warehouse_issuer, warehouse, **given) as server:
        answer = await server.ask("ana", SLOW, _meta={"progressToken": "p1"})
    assert answer.failed
    assert "too long" in answer.text
    told = [note["params"] for note in answer.notes]
    assert [one["progressToken"] for one in told] == ["p1", "p1"]
    first, second = told
    assert 0 < first["progress"] < second["progress"] < 3
    assert "running" in first["message"]


async def test_nobody_who_did_not_ask_is_told(warehouse_issuer: Issuer, warehouse: Loaded) -> None:
    given = {**UNBOUNDED, "statement_seconds": 1.6, "deadline_seconds": 4}
    async with served(warehouse_issuer, warehouse, **given) as server:
        answer = await server.ask("ana", SLOW)
    assert (answer.failed, answer.notes) == (True, [])


async def test_a_quick_query_is_answered_without_a_stream(
    warehouse_issuer: Issuer, warehouse: Loaded
) -> None:
    async with served(warehouse_issuer, warehouse) as server:
        answer = await server.ask("ana", "SELECT 1 AS one", _meta={"progressToken": 5})
    assert (answer.rows, answer.notes) == ([[1]], [])


async def test_progress_comes_through_the_gateway_and_ends_with_the_answer(
    warehouse_house: House, admin: asyncpg.Connection
) -> None:
    home = warehouse_house
    headers = home.headers("tools/call", name="warehouse_run_sql")
    params = call_of(SLOW, progressToken="p9")
    wire = Wire(home.gateway, headers, [body_of(params=params)])
    running = asyncio.create_task(wire.run())
    await asyncio.wait_for(wire.first.wait(), 5)
    assert wire.answer_headers["content-type"] == "text/event-stream"
    wire.leave.set()
    assert await until_busy(admin, lambda count: count == 0) < SOON
    await asyncio.wait_for(running, 10)
    told = events(wire.body)
    assert told
    assert {one["params"]["progressToken"] for one in told} == {"p9"}
