"""A server that goes away and comes back, and one that would not keep what it acknowledges."""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from gateway.audit.conftest import READER, WRITER, Place
from gateway.audit.writing import many, sound, until

from mcp_gateway.audit import keys
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.audit.store import NotDurableError, weak_settings
from mcp_gateway.audit.waiting import Entry, LedgerDown
from mcp_local import postgres
from mcp_local.ports import free_port
from mcp_local.postgres_home import unprivileged


async def test_a_server_without_fsync_is_refused(place: Place) -> None:
    with pytest.raises(NotDurableError, match="fsync is off"):
        async with place.opened(insist_on_durability=True):
            pass
    assert await place.rows("SELECT * FROM audit.segment") == []


def test_every_setting_that_could_lose_a_commit_is_named() -> None:
    good = {"synchronous_commit": "on", "fsync": "on", "full_page_writes": "on"}
    assert weak_settings(good) == []
    assert weak_settings(good | {"synchronous_commit": "remote_apply"}) == []
    for name in good:
        for value in ("off", "local", "remote_write", ""):
            assert name in "".join(weak_settings(good | {name: value}))
    assert len(weak_settings({})) == 3


class Server:
    """A PostgreSQL that keeps what it acknowledges and can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self.address = postgres.Postgres(port=free_port(), password="server-secret")
        self._process: subprocess.Popen[Any] | None = None
        folder.mkdir(parents=True)
        postgres.initialise(self._data, self.address.password)

    def launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                postgres.command(self._data, self.address.port),
                cwd="/", stdout=log, stderr=log, **unprivileged(),
            )  # fmt: skip

    async def start(self) -> None:
        self.launch()
        for _ in range(1200):
            if await postgres.answers(self.address.url()):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def stop(self, how: int) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None


FAST, IMMEDIATE = 2, 3  # SIGINT, SIGQUIT: a shutdown, and one that recovers like a crash


@pytest_asyncio.fixture
async def server(run_folder: Path) -> AsyncIterator[Server]:
    server = Server(run_folder / f"ledger-{os.urandom(4).hex()}")
    await server.start()
    yield server
    server.stop(IMMEDIATE)


@pytest_asyncio.fixture
async def durable_place(server: Server, tmp_path: Path) -> Place:
    await migrate(server.address.url(), WRITER, READER)
    key = tmp_path / keys.PRIVATE_NAME
    keys.create(key)
    url = server.address.url
    return Place(
        url(), url("postgres", "audit_writer", WRITER), url("postgres", "audit_reader", READER), key
    )


@pytest.mark.parametrize("how", [FAST, IMMEDIATE], ids=["fast", "immediate"])
async def test_a_server_that_goes_and_comes_back(
    durable_place: Place, server: Server, body: dict[str, Any], how: int
) -> None:
    """While it is gone calls are refused quickly; afterwards the gap is on the record."""
    place = durable_place
    told: list[Entry] = []
    async with place.opened(insist_on_durability=True) as ledger:
        told += await many(ledger, body, 50, "before")
        flying = [
            asyncio.ensure_future(ledger.append("intent", body | {"rid": f"flying-{i}"}))
            for i in range(50)
        ]
        await asyncio.sleep(0)
        await asyncio.to_thread(server.stop, how)
        answers = await asyncio.gather(*flying, return_exceptions=True)
        assert all(isinstance(answer, Entry | LedgerDown) for answer in answers)
        told += [answer for answer in answers if isinstance(answer, Entry)]

        await until(lambda: not ledger.healthy)
        start = time.perf_counter()
        for _ in range(20):
            with pytest.raises(LedgerDown) as down:
                await ledger.append("intent", body)
            assert down.value.reason == "down"
        assert time.perf_counter() - start < 10  # twenty waits would be forty seconds
        refused = ledger.refused

        await server.start()
        await until(lambda: ledger.healthy)
        told += await many(ledger, body, 50, "after")

    stored = {
        (row["seg"], row["seq"]): row
        for row in await place.rows("SELECT seg, seq, rid, reason, body FROM audit.record")
    }
    assert all((entry.segment, entry.seq) in stored for entry in told)
    rids = [row["rid"] for row in stored.values() if row["rid"]]
    assert len(rids) == len(set(rids))
    [gap] = [orjson.loads(r["body"]) for r in stored.values() if r["reason"] == "ledger_gap"]
    assert gap["refused"] == refused >= 20
    assert gap["since"] < gap["ts"]
    assert await sound(place)


async def test_an_idle_ledger_notices_that_its_server_went(
    durable_place: Place, server: Server
) -> None:
    async with durable_place.opened() as ledger:
        await asyncio.to_thread(server.stop, FAST)
        await until(lambda: not ledger.healthy)
        await server.start()
        await until(lambda: ledger.healthy)


async def test_closing_while_the_server_is_gone_takes_no_longer_than_the_timeout(
    durable_place: Place, server: Server, body: dict[str, Any]
) -> None:
    async with durable_place.opened(timeout=0.5) as ledger:
        await asyncio.to_thread(server.stop, FAST)
        waiter = asyncio.ensure_future(ledger.append("intent", body))
        await asyncio.sleep(0)
        start = time.perf_counter()
        await ledger.aclose()
        assert time.perf_counter() - start < 10
        with contextlib.suppress(LedgerDown):
            await waiter
            pytest.fail("told that a record is durable while there was no server")
