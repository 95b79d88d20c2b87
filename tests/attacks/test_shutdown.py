"""P10: SIGTERM with calls in flight. Whoever got an answer is on the record with it; it ends in time."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from attacks.process import Running, gateway_process
from house.asks import until
from house.backends import Counted, answers, result_of
from house.house import READER, RECEIPT, WRITER
from people import Issuer

from mcp_gateway.audit.migrate import migrate
from mcp_local import postgres
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey

IN_FLIGHT = 200
DRAIN_SECONDS = 30


@pytest.fixture(scope="module")
def durable(run_folder: Path) -> Iterator[Postgres]:
    """A database that keeps what it acknowledges: the gateway's process insists on one."""
    with postgres.running(run_folder / "durable") as started:
        yield started


@pytest_asyncio.fixture
async def ledger(durable: Postgres) -> AsyncIterator[str]:
    connection = await asyncpg.connect(durable.url())
    await connection.execute("DROP DATABASE IF EXISTS ledger WITH (FORCE)")
    await connection.execute("CREATE DATABASE ledger")
    await connection.close()
    await migrate(durable.url("ledger"), WRITER, READER)
    yield durable.url("ledger")


async def records(ledger: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(ledger)
    try:
        rows = await connection.fetch("SELECT body FROM audit.record ORDER BY ts, seg, seq")
    finally:
        await connection.close()
    return [json.loads(row["body"]) for row in rows]


def of(found: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """The records of one kind, by request; no request has two."""
    chosen = [one for one in found if one["kind"] == kind]
    by_request = {one["rid"]: one for one in chosen}
    assert len(by_request) == len(chosen)
    return by_request


async def in_flight(
    gateway: Running, http: httpx2.AsyncClient, server: Counted, count: int
) -> "list[asyncio.Task[httpx2.Response]]":
    """So many calls that have reached the server and wait there."""
    calls = [asyncio.create_task(gateway.call(http, number)) for number in range(count)]
    await until(lambda: len(server.calls) == count, 30)
    return calls


async def closed(port: int) -> None:
    """Until the port takes no connection any more."""
    async with asyncio.timeout(DRAIN_SECONDS):
        with contextlib.suppress(ConnectionError):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await asyncio.sleep(0.02)


def client(connections: int) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=connections + 5)
    return httpx2.AsyncClient(trust_env=False, timeout=60, limits=limits)


async def test_p10_sigterm_lets_calls_in_flight_finish_and_lets_nobody_in(
    tmp_path: Path, issuer: Issuer, ledger: str, valkey_server: Valkey, server: Counted
) -> None:
    finish = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await finish.wait()
        # the gateway's own id is not looked at: any answer to this connection is the call's
        content = [{"type": "text", "text": "at last"}]
        body = json.dumps(result_of({"id": 1}, content=content)).encode()
        await answers(body)(scope, receive, send)

    folder = tmp_path / "house"
    async with (
        gateway_process(folder, issuer, ledger, valkey_server.url, server) as gateway,
        client(IN_FLIGHT) as http,
    ):
        server.behave = slow
        calls = await in_flight(gateway, http, server, IN_FLIGHT)
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        await closed(gateway.port)
        with pytest.raises(httpx2.TransportError):
            await gateway.call(http, 0)
        finish.set()
        responses = await asyncio.gather(*calls)
        code = await gateway.ended(DRAIN_SECONDS)
        assert time.monotonic() - began < DRAIN_SECONDS
        log = gateway.log.read_text("utf-8")
    assert code in {0, -signal.SIGTERM}, log
    assert "Traceback" not in log
    results = [response.json()["result"] for response in responses]
    assert {result["content"][0]["text"] for result in results} == {"at last"}
    found = await records(ledger)
    intents, outcomes = of(found, "intent"), of(found, "outcome")
    assert set(intents) == set(outcomes)
    assert len(outcomes) == IN_FLIGHT
    assert {one["status"] for one in outcomes.values()} == {"ok"}
    # every answer carries a receipt of its own, and the ledger was closed behind the last one
    leaves = {result["_meta"][RECEIPT]["leaf"] for result in results}
    assert len(leaves) == IN_FLIGHT
    assert found[-1]["reason"] == "ledger_closed"


async def test_p10_calls_that_do_not_finish_are_cut_off_in_time_and_on_the_record(
    tmp_path: Path, issuer: Issuer, ledger: str, valkey_server: Valkey, server: Counted
) -> None:
    """The same with a server that hangs; one second stands for the thirty."""

    async def hang(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    folder, count = tmp_path / "house", 40
    async with (
        gateway_process(
            folder,
            issuer,
            ledger,
            valkey_server.url,
            server,
            constants={"mcp_gateway.door.leaving.SHUTDOWN_SECONDS": 1},
        ) as gateway,
        client(count) as http,
    ):
        server.behave = hang
        calls = await in_flight(gateway, http, server, count)
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        responses = await asyncio.gather(*calls, return_exceptions=True)
        await gateway.ended(20)
        assert time.monotonic() - began < 20
        log = gateway.log.read_text("utf-8")
    told = [one.text for one in responses if isinstance(one, httpx2.Response)]
    assert set(told) <= {"Internal Server Error"}
    found = await records(ledger)
    intents, outcomes = of(found, "intent"), of(found, "outcome")
    assert len(intents) == count
    assert set(outcomes) == set(intents), log
    ended = {(one["status"], one["reason"]) for one in outcomes.values()}
    assert ended == {("cancelled", "gateway_ended")}
    assert found[-1]["reason"] == "ledger_closed"
