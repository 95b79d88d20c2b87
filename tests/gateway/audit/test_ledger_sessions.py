"""Cut connections and doubtful commits: nothing is lost, nothing is written twice."""

import asyncio
import logging
from typing import Any

import asyncpg
import pytest
from gateway.audit.conftest import Place
from gateway.audit.writing import KILL, SESSION, Once, kinds, many, sound, until

from mcp_gateway.audit.waiting import Entry, Failpoints, LedgerDown


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
