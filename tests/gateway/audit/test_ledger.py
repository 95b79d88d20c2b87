"""The ledger under load, cut connections, doubtful commits and a server that goes away."""

import asyncio
import contextlib
import logging
import os
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio
from gateway.audit.conftest import READER, WRITER, Place

from mcp_gateway.audit import keys, merkle, receipt, waiting
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.audit.store import NotDurableError, weak_settings
from mcp_gateway.audit.verify import verify
from mcp_gateway.audit.waiting import Entry, Failpoints, LedgerDown
from mcp_local import postgres
from mcp_local.ports import free_port
from mcp_local.postgres_home import unprivileged

SESSION = "application_name LIKE 'ledger-%' AND datname = current_database()"
KILL = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {SESSION}"


async def sound(place: Place) -> bool:
    report = await verify(place.reader, keys.load_public(place.public))
    return [f for f in report.findings if f.kind != "OPEN-INTENT"] == []


async def kinds(place: Place) -> list[tuple[str, str | None]]:
    rows = await place.rows("SELECT kind, reason FROM audit.record ORDER BY seq")
    return [(row["kind"], row["reason"]) for row in rows]


async def many(ledger: Ledger, body: dict[str, Any], count: int, name: str = "r") -> list[Entry]:
    return list(
        await asyncio.gather(
            *(ledger.append("intent", body | {"rid": f"{name}-{i}"}) for i in range(count))
        )
    )


class Once:
    """A failpoint that acts the first time it is armed and passed."""

    def __init__(self, act: Callable[[], Awaitable[None]]) -> None:
        self.armed = False
        self.fired = 0
        self._act = act

    async def __call__(self) -> None:
        if self.armed:
            self.armed = False
            self.fired += 1
            await self._act()


async def test_append_returns_after_the_record_is_durable(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        entry = await ledger.append("intent", body)
        [row] = await place.rows("SELECT * FROM audit.record WHERE seq = $1", entry.seq)
    stored = orjson.loads(row["body"])
    assert stored["person"] == row["person"] == "ana"
    assert (stored["kind"], stored["v"], stored["replica"]) == ("intent", 1, "replica-1")
    assert row["seg"] == entry.segment


async def test_nobody_is_told_before_the_commit(place: Place, body: dict[str, Any]) -> None:
    gate = asyncio.Event()
    hold = Once(lambda: asyncio.wait_for(gate.wait(), 5))  # type: ignore[arg-type]
    async with place.opened(failpoints=Failpoints(before_write=hold)) as ledger:
        hold.armed = True
        waiter = asyncio.ensure_future(ledger.append("intent", body))
        await asyncio.sleep(0.3)
        assert hold.fired
        assert not waiter.done()
        assert await kinds(place) == [("event", "segment_opened")]
        gate.set()
        await waiter
        assert ("intent", None) in await kinds(place)


async def test_two_hundred_at_once_share_blocks_and_none_is_lost_or_doubled(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        entries = await many(ledger, body, 200)
    assert len({entry.seq for entry in entries}) == 200
    rows = await place.rows("SELECT rid, seq FROM audit.record WHERE kind = 'intent' ORDER BY seq")
    assert {row["rid"] for row in rows} == {f"r-{i}" for i in range(200)}
    assert [row["seq"] for row in rows] == list(range(2, 202))
    [blocks] = await place.rows("SELECT count(*) FROM audit.block")
    assert blocks[0] < 20
    assert await sound(place)


async def test_a_receipt_checks_with_the_public_key_alone(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        entries = await many(ledger, body, 7)
    trusted = keys.load_public(place.public)
    for entry in entries:
        header, leaf = receipt.check(orjson.loads(orjson.dumps(entry.receipt())), trusted)
        [row] = await place.rows("SELECT body FROM audit.record WHERE seq = $1", entry.seq)
        assert leaf == merkle.leaf_hash(row["body"])
        assert header.segment == entry.segment


async def test_no_value_a_caller_chooses_keeps_a_call_off_the_record_or_spoils_its_block(
    place: Place, body: dict[str, Any]
) -> None:
    awkward: list[Any] = [
        "\0", "\ud800", 2**70, float("nan"), b"\xff", "x" * 100_000, {"a": 1}, "\x1b[2J\r\n", True,
        [[[[]]]], "'); DROP TABLE audit.record; --", "\u202e\u2028",
    ]  # fmt: skip
    fields = ("person", "tool", "rid", "agent", "args", "reason", "latency_ms", "ts", "trace")
    async with place.opened() as ledger:
        await asyncio.gather(
            *(
                ledger.append("refusal", body | {"rid": f"{field}-{number}"} | {field: value})
                for number, value in enumerate(awkward)
                for field in fields
            )
        )
    [row] = await place.rows("SELECT count(*) FROM audit.record WHERE kind = 'refusal'")
    assert row["count"] == len(awkward) * len(fields)
    report = await verify(place.reader, keys.load_public(place.public))
    assert {f.kind for f in report.findings} <= {"DUPLICATE"}  # the same awkward rid for each value


async def test_a_cancelled_caller_leaves_its_record_and_disturbs_no_other(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:

        async def one(number: int) -> Entry:
            return await ledger.append("intent", body | {"rid": f"r-{number}"})

        tasks = [asyncio.ensure_future(one(number)) for number in range(9)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(entry, Entry) for entry in done) == 4
    [row] = await place.rows("SELECT count(*) FROM audit.record WHERE kind = 'intent'")
    assert row["count"] == 9


async def test_sessions_ended_in_mid_flight_lose_and_double_nothing(
    place: Place, body: dict[str, Any]
) -> None:
    admin = await asyncpg.connect(place.admin)
    entries: list[Entry] = []
    async with place.opened() as ledger:
        stop = asyncio.Event()

        async def caller(number: int) -> None:
            count = 0
            while not stop.is_set():
                count += 1
                rid = f"{number}-{count}"
                entries.append(await ledger.append("intent", body | {"rid": rid}))

        callers = [asyncio.create_task(caller(i)) for i in range(32)]
        for _ in range(12):
            await asyncio.sleep(0.07)
            await admin.execute(KILL)
        await asyncio.sleep(0.2)
        stop.set()
        await asyncio.gather(*callers)
        assert ledger.healthy
        assert ledger.refused == 0
    await admin.close()
    [row] = await place.rows(
        "SELECT count(*), count(DISTINCT rid) AS rids FROM audit.record WHERE kind = 'intent'"
    )
    assert row["count"] == row["rids"] == len(entries) == len({entry.seq for entry in entries})
    assert await sound(place)


async def test_a_session_ended_just_before_the_commit_sends_the_block_again(
    place: Place, body: dict[str, Any]
) -> None:
    async def kill() -> None:
        await place.rows(KILL)

    cut = Once(kill)
    async with place.opened(failpoints=Failpoints(before_write=cut)) as ledger:
        cut.armed = True
        entries = await many(ledger, body, 20)
        assert cut.fired == 1
        assert ledger.healthy
    assert [entry.seq for entry in entries] == list(range(2, 22))
    assert await sound(place)
    [row] = await place.rows("SELECT count(*) FROM audit.record WHERE kind = 'intent'")
    assert row["count"] == 20


@pytest.mark.parametrize(
    "fault", [ConnectionResetError(), TimeoutError(), asyncpg.InterfaceError("lost")]
)
async def test_a_commit_that_was_never_acknowledged_is_looked_for_and_not_sent_again(
    place: Place, body: dict[str, Any], fault: Exception
) -> None:
    async def lose() -> None:
        raise fault

    cut = Once(lose)
    async with place.opened(failpoints=Failpoints(after_commit=cut)) as ledger:
        cut.armed = True
        entries = await many(ledger, body, 20)
        assert cut.fired == 1
        blocks = ledger.blocks
        after = await many(ledger, body, 3, "later")
    assert [entry.seq for entry in entries] == list(range(2, 22))
    assert [entry.seq for entry in after] == [22, 23, 24]
    assert blocks == 1
    assert await sound(place)


async def test_an_old_session_that_still_holds_the_block_is_fenced_off(
    place: Place, body: dict[str, Any]
) -> None:
    """The writer gave up on a commit that hangs; its session must be gone before the look."""
    async with place.opened(timeout=0.4) as ledger:
        admin = await asyncpg.connect(place.admin)
        async with admin.transaction():
            await admin.execute("LOCK TABLE audit.block IN EXCLUSIVE MODE")
            waiter = ledger.append("intent", body)
            waits = f"SELECT pid FROM pg_stat_activity WHERE {SESSION} AND wait_event_type = 'Lock'"
            while not await place.rows(waits):
                assert not waiter.done(), "the block was never on its way"
            with pytest.raises(LedgerDown) as down:
                await waiter
            assert down.value.reason == "timeout"
        await admin.close()
        await until(lambda: ledger.healthy)
        await ledger.append("intent", body | {"rid": "r-2"})
        [row] = await place.rows(f"SELECT count(*) FROM pg_stat_activity WHERE {SESSION}")
        assert row["count"] == 1
    rows = await place.rows("SELECT rid FROM audit.record WHERE kind = 'intent' ORDER BY seq")
    assert [row["rid"] for row in rows] == ["r-1", "r-2"], "the late record landed once"
    assert ("event", "ledger_gap") in await kinds(place)
    assert await sound(place)


async def test_someone_else_in_the_segment_stops_the_ledger_for_good(
    place: Place, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with place.opened() as ledger:
        entry = await ledger.append("intent", body)
        writer = await asyncpg.connect(place.writer)
        await writer.execute(
            "INSERT INTO audit.record (seg_day, seg, seq, block, body) SELECT seg_day, seg, 3, 3,"
            " '{}' FROM (SELECT DISTINCT seg_day, seg FROM audit.record) s"
        )
        await writer.close()
        with caplog.at_level(logging.CRITICAL), pytest.raises(LedgerDown, match="someone else"):
            await ledger.append("intent", body)
        assert not ledger.healthy
        with pytest.raises(LedgerDown, match="someone else"):
            await ledger.append("intent", body)
    assert entry.seq == 2
    assert "ledger stopped" in caplog.text


async def test_more_than_the_backlog_is_refused_at_once(
    place: Place, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "BACKLOG", 10)
    async with place.opened() as ledger:
        tasks = [asyncio.ensure_future(ledger.append("intent", body)) for _ in range(15)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        refused = [answer for answer in done if isinstance(answer, LedgerDown)]
        assert [answer.reason for answer in refused] == ["backlog"] * 5
        assert ledger.refused == 5


async def test_midnight_begins_a_segment_that_names_the_one_before(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        before = await ledger.append("intent", body)
        await place.sql(
            "ALTER TABLE audit.segment ALTER seg_day"
            " SET DEFAULT ((clock_timestamp() AT TIME ZONE 'UTC')::date + 1)"
        )
        assert ledger._segment is not None
        ledger._segment.ends = 0.0
        after = await ledger.append("outcome", body)
    assert (before.seq, after.seq) == (2, 2)
    assert before.segment != after.segment
    days = await place.rows("SELECT DISTINCT seg, seg_day FROM audit.record ORDER BY seg_day")
    assert days[1]["seg_day"].toordinal() - days[0]["seg_day"].toordinal() == 1
    assert await sound(place)
    # a cut end of the day before is then found without any checkpoint
    await place.sql("DELETE FROM audit.record WHERE kind = 'intent'")
    await place.sql(f"DELETE FROM audit.block WHERE seg = '{before.segment}' AND block = 2")
    report = await verify(place.reader, keys.load_public(place.public))
    assert [finding.kind for finding in report.findings] == ["TRUNCATED"]
    await place.sql(
        *(f"DELETE FROM audit.{t} WHERE seg = '{before.segment}'" for t in ("record", "block")),
        f"DELETE FROM audit.segment WHERE seg = '{before.segment}'",
    )
    report = await verify(place.reader, keys.load_public(place.public))
    assert [finding.kind for finding in report.findings] == ["SEGMENT-MISSING"]


async def test_closing_writes_what_waits_and_accepts_nothing_more(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        tasks = [asyncio.ensure_future(ledger.append("intent", body)) for _ in range(5)]
        await asyncio.sleep(0)
        await ledger.aclose()
        assert len(await asyncio.gather(*tasks)) == 5
        with pytest.raises(LedgerDown) as down:
            await ledger.append("intent", body)
        assert down.value.reason == "closed"
        assert not ledger.healthy
    assert (await kinds(place))[-1] == ("event", "ledger_closed")


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


async def test_a_wrong_password_or_a_missing_key_is_said_at_once(
    place: Place, tmp_path: Path
) -> None:
    with pytest.raises(LedgerDown, match="password"):
        await Ledger.open(place.writer.replace(WRITER, "wrong"), place.key, "r")
    with pytest.raises(keys.KeyFileError, match="keygen"):
        await Ledger.open(place.writer, tmp_path / "none" / "ledger.pem", "r")
    for replica in ("", "r" * 101):
        with pytest.raises(ValueError, match="replica"):
            await Ledger.open(place.writer, place.key, replica)


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
        for _ in range(200):
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


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  what is awaited has no event
            await asyncio.sleep(0.02)


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
