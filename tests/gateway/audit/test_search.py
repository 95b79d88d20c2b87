"""Searching the ledger: every filter, page after page, and on the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from gateway.audit.conftest import Place
from gateway.audit.test_cli import audit
from gateway.audit.test_export import on_record

from mcp_gateway.audit.reads import NotRecordedError, reads
from mcp_gateway.audit.search import Wanted, moment, query, search, table
from mcp_gateway.audit.search import place as page

NOW = datetime(2026, 11, 26, 4, tzinfo=UTC)


async def a_day(place: Place, body: dict[str, Any]) -> None:
    async with place.opened() as ledger:
        for number in range(12):
            said = {
                "ts": (NOW + timedelta(minutes=number)).isoformat(), "rid": f"r-{number}",
                "person": ("ana", "ben", "dee")[number % 3], "trace": f"t-{number}",
                "tool": ("get_metric", "log_note")[number % 2],
                "status": "ok" if number % 4 else "failed",
                "decision": "deny" if number == 5 else "allow",
            }  # fmt: skip
            await ledger.append("outcome", body | said)


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"person": "ana"}, [9, 6, 3, 0]), ({"tool": "log_note"}, [11, 9, 7, 5, 3, 1]),
        ({"decision": "deny"}, [5]), ({"status": "failed"}, [8, 4, 0]), ({"trace": "t-7"}, [7]),
        ({"rid": "r-2"}, [2]), ({"kind": "refusal"}, []),
        ({"since": NOW + timedelta(minutes=9)}, [11, 10, 9]),
        ({"until": NOW + timedelta(minutes=2)}, [1, 0]),
        ({"person": "ana", "status": "ok"}, [9, 6, 3]), ({"person": "' OR true --"}, []),
    ],
)  # fmt: skip
async def test_each_filter_finds_what_it_names(
    place: Place, body: dict[str, Any], asked: dict[str, Any], numbers: list[int]
) -> None:
    await a_day(place, body)
    wanted = Wanted(**{"kind": "outcome", **asked})
    rows, more = await search(place.reader, wanted)
    assert [row["rid"] for row in rows] == [f"r-{number}" for number in numbers]
    assert more is None


async def test_pages_follow_each_other_without_a_gap(place: Place, body: dict[str, Any]) -> None:
    await a_day(place, body)
    found: list[str] = []
    before = None
    for _ in range(4):
        rows, more = await search(place.reader, Wanted(kind="outcome", limit=4, before=before))
        found += [row["rid"] for row in rows]
        if more is None:
            break
        before = page(more)
    assert found == [f"r-{number}" for number in reversed(range(12))]


async def test_a_search_by_person_or_call_uses_its_index(
    place: Place, body: dict[str, Any]
) -> None:
    await a_day(place, body)
    connection = await asyncpg.connect(place.reader)
    await connection.execute("SET enable_seqscan = off")  # a dozen rows are read whole otherwise
    for wanted, index in (
        (Wanted(person="ana"), "_person_ts_idx"),
        (Wanted(rid="r-2"), "_rid_idx"),
    ):
        text, values = query(wanted)
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {text}", *values))
        assert index in plan
    await connection.close()


async def test_who_searched_for_what_is_on_the_record(place: Place, body: dict[str, Any]) -> None:
    await a_day(place, body)
    async with on_record(place) as recorded:
        await recorded.record("ledger_read", Wanted(person="ana", since=NOW).said())
    [row] = await place.rows("SELECT body FROM audit.record WHERE reason = 'ledger_read'")
    said = orjson.loads(row["body"])
    assert said["detail"]["person"] == "ana"
    assert said["detail"]["since"] == NOW.isoformat()
    assert said["person"] == said["detail"]["by"]


async def test_a_reader_without_the_right_to_write_says_so_first(
    place: Place, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_day(place, body)
    words = ("search", "--person", "ana", "--since", "2026-11-26", "--limit", "2")
    code, out = await audit(place, *words)
    assert (code, "cannot be recorded" in out) == (2, True), out
    code, out = await audit(place, *words, "--off-record")
    assert (code, "r-9" in out, "older: --before 2026-11-26T04:06" in out) == (0, True, True), out
    code, out = await audit(place, *words, "--off-record", "--json")
    assert [row["rid"] for row in orjson.loads(out.partition("\n")[2])["records"]] == ["r-9", "r-6"]
    for wrong in (("--limit", "0"), ("--before", "x"), ("--since", "soon")):
        assert (await audit(place, "search", "--off-record", *wrong))[0] == 2
    monkeypatch.setenv("GATEWAY_LEDGER_URL", "postgresql://audit_writer@127.0.0.1:9/none")
    monkeypatch.setenv("GATEWAY_KEYS", str(place.key.parent))
    with pytest.raises(NotRecordedError, match="cannot be recorded"):
        async with reads(off_record=False):
            raise AssertionError("read without a record")


def test_a_record_cannot_bend_the_table() -> None:
    row = dict.fromkeys(("ts", "agent", "server", "tool", "method", "reason", "decision", "status"))
    nasty = {**row, "kind": "event", "person": "a\x1b[2J\nb", "latency_ms": None, "rid": "\r"}
    lines = table([nasty | {"seg": "s", "seq": 1}])
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    assert moment("2026-11-26") == datetime(2026, 11, 26, tzinfo=UTC)
