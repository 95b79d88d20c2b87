"""What a ledger keeps and acknowledges, what it refuses, how it begins and ends."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from gateway.audit.conftest import WRITER, Place
from gateway.audit.writing import Once, kinds, many, sound

from mcp_gateway.audit import keys, merkle, receipt, waiting
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.verify import verify
from mcp_gateway.audit.waiting import Entry, Failpoints, LedgerDown


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
