"""A feed that misses nothing: writers that commit out of order, kills at any point, outages."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest
from gateway.audit.conftest import READER, Place
from gateway.audit.test_cli import audit

from mcp_gateway.audit import keys, store
from mcp_gateway.audit.canonical import record_bytes
from mcp_gateway.audit.feed import cursor as tail_cursor
from mcp_gateway.audit.feed import ocsf
from mcp_gateway.audit.feed.tail import FORMATS, tail, to_file
from mcp_gateway.audit.projection import project
from mcp_gateway.audit.segment import Segment

# OCSF 1.3.0, API Activity: what its schema requires, and where "at least one of" holds
REQUIRED = {
    "activity_id": int, "actor": dict, "api": dict, "category_uid": int, "class_uid": int,
    "metadata": dict, "severity_id": int, "src_endpoint": dict, "time": int, "type_uid": int,
}  # fmt: skip
REQUIRED_WITHIN = {
    "metadata": ("version", "product"), "api": ("operation",), "metadata.product": ("vendor_name",),
}  # fmt: skip
ONE_OF = {
    "actor": ("process", "user", "invoked_by", "session", "app_name"),
    "actor.user": ("account", "name", "uid"),
    "src_endpoint": ("ip", "uid", "name", "hostname", "svc_name", "instance_uid"),
    "metadata.product": ("name", "uid"),
}
ALLOWED = {
    "activity_id": {0, 1, 2, 3, 4, 99}, "severity_id": {0, 1, 2, 3, 4, 5, 6, 99},
    "status_id": {0, 1, 2, 99},
}  # fmt: skip


def ids(lines: bytes) -> list[str]:
    """Of whole lines; what a kill cut off is no JSON and comes again."""
    found = []
    for line in lines.splitlines():
        with contextlib.suppress(orjson.JSONDecodeError):
            found.append(orjson.loads(line)["id"])
    return found


async def stored(place: Place) -> set[str]:
    rows = await place.rows("SELECT seg, seq FROM audit.record")
    return {f"{row['seg']}/{row['seq']}" for row in rows}


async def fed(place: Place, cursor: Path, **options: Any) -> list[str]:
    lines: list[bytes] = []
    await tail(place.reader, cursor, lines.append, FORMATS["json"], once=True, **options)
    return ids(b"".join(lines))


class Writer:
    """One replica's segment, its transactions in the test's hands."""

    def __init__(self, connection: store.Connection, segment: Segment) -> None:
        self.connection = connection
        self._segment = segment

    @classmethod
    async def opened(cls, place: Place, name: str) -> "Writer":
        connection = await asyncpg.connect(place.writer)
        await store.prepare_days(connection)
        segment = uuid4()
        day, _ = await store.register(connection, segment, name)
        return cls(connection, Segment(segment, day, 0, keys.load_private(place.key)))

    async def insert(self, count: int = 1) -> None:
        now = datetime.now(UTC)
        bodies = [record_bytes({"ts": now.isoformat(), "kind": "event"}) for _ in range(count)]
        sealed = self._segment.seal(bodies, now)
        rows = [(body, *project(orjson.loads(body))) for body in bodies]
        await store.insert(self.connection, sealed.block, rows)
        self._segment.advance(sealed)


async def test_what_commits_out_of_order_is_not_missed(place: Place, tmp_path: Path) -> None:
    """The first to begin is the last to be seen: any order by time or number would skip it."""
    cursor = tmp_path / "cursor"
    early, late = await Writer.opened(place, "one"), await Writer.opened(place, "two")
    transaction = early.connection.transaction()
    await transaction.start()
    await early.insert(3)
    await late.insert(2)
    seen = await fed(place, cursor)
    assert len(seen) == 2
    await late.insert()
    seen += await fed(place, cursor)
    await transaction.commit()
    seen += await fed(place, cursor)
    assert len(seen) == len(set(seen)) == 6
    assert set(seen) == await stored(place)
    assert await fed(place, cursor) == []
    for writer in (early, late):
        await writer.connection.close()


async def test_killed_at_any_point_it_misses_nothing(place: Place, tmp_path: Path) -> None:
    """Two writers, a feed that dies again and again; repeats are told by their id."""
    cursor, chance = tmp_path / "cursor", random.Random(7)
    writers = [await Writer.opened(place, name) for name in ("one", "two")]
    seen: list[str] = []
    for _ in range(8):
        for writer in writers:
            for _ in range(chance.randint(1, 4)):
                await writer.insert(chance.randint(1, 30))
        process = await _started(place, "tail", "--cursor", str(cursor), "--every", "0.01")
        assert process.stdout is not None
        got = b""
        for _ in range(chance.randint(0, 12)):
            with contextlib.suppress(TimeoutError):
                got += await asyncio.wait_for(process.stdout.readline(), 2)
        process.send_signal(signal.SIGKILL)
        got += await process.stdout.read()
        await process.wait()
        seen += ids(got)
    seen += await fed(place, cursor)
    assert set(seen) == await stored(place)
    for writer in writers:
        await writer.connection.close()


async def test_killed_while_it_writes_a_file_it_misses_nothing(
    place: Place, tmp_path: Path
) -> None:
    cursor, out = tmp_path / "cursor", tmp_path / "feed.jsonl"
    writer = await Writer.opened(place, "one")
    words = ("tail", "--cursor", str(cursor), "--out", str(out), "--every", "0.01")
    for count in (400, 1, 900, 30):
        await writer.insert(count)
        process = await _started(place, *words)
        async with asyncio.timeout(20):
            while not (out.exists() and out.stat().st_size and cursor.exists()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
    with out.open("ab") as file:
        file.write(b'{"id": "cut o')  # as a crash would leave it
    await tail(place.reader, cursor, to_file(out), FORMATS["json"], once=True)
    await writer.insert()
    await tail(place.reader, cursor, to_file(out), FORMATS["json"], once=True)
    assert set(ids(out.read_bytes())) == await stored(place)
    await writer.connection.close()


async def test_it_waits_for_a_database_that_went_away(place: Place, tmp_path: Path) -> None:
    writer = await Writer.opened(place, "one")
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    feed = asyncio.create_task(
        tail(place.reader, tmp_path / "c", lines.put_nowait, FORMATS["json"], every=0.01)
    )
    async with asyncio.timeout(20):
        await writer.insert()
        first = await lines.get()
        killed = await place.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE usename = 'audit_reader' AND datname = current_database()"
        )
        assert killed
        await writer.insert()
        second = await lines.get()
    feed.cancel()
    assert [*ids(first), *ids(second)] == sorted(await stored(place))
    await writer.connection.close()


async def test_the_cursor_moves_only_after_the_lines_are_out(place: Place, tmp_path: Path) -> None:
    writer = await Writer.opened(place, "one")
    await writer.insert(5)
    cursor = tmp_path / "cursor"

    def refuse(_: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await tail(place.reader, cursor, refuse, FORMATS["json"], once=True)
    assert not cursor.exists()
    assert len(await fed(place, cursor)) == 5
    await writer.connection.close()


async def test_lag_counts_what_is_not_delivered(place: Place, tmp_path: Path) -> None:
    cursor = str(tmp_path / "cursor")
    writer = await Writer.opened(place, "one")
    await writer.insert(3)
    code, out = await audit(place, "tail", "--cursor", cursor, "--lag")
    assert (code, "mcp_audit_tail_lag_records 3\n" in out) == (0, True), out
    code, out = await audit(place, "tail", "--cursor", cursor, "--once", "--format", "ocsf")
    assert (code, out.count('"class_uid":6003')) == (0, 3), out
    assert "not on the record" in out, "this reader has no right to write"
    _, out = await audit(place, "tail", "--cursor", cursor, "--lag")
    assert out == "mcp_audit_tail_lag_records 0\nmcp_audit_tail_lag_seconds 0.000\n"
    await writer.connection.close()


async def test_a_gap_is_said_and_old_segments_are_forgotten(
    place: Place, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = await Writer.opened(place, "one")
    await writer.insert(5)
    await place.sql("DELETE FROM audit.record WHERE seq = 3")
    cursor = tmp_path / "cursor"
    assert len(await fed(place, cursor)) == 4
    assert "records 3 to 3 are missing; run audit verify" in capfd.readouterr().err
    known = tail_cursor.load(cursor)
    assert known is not None
    assert len(known.segments) == 1
    known.forget_before(datetime.now(UTC).date().replace(year=2100))
    assert not known.segments
    await writer.connection.close()


async def test_one_cursor_has_one_feed(place: Place, tmp_path: Path) -> None:
    cursor = tmp_path / "cursor"
    with tail_cursor.alone(cursor):
        code, out = await audit(place, "tail", "--cursor", str(cursor), "--once")
    assert (code, "another feed" in out) == (2, True), out
    cursor.write_text("not a cursor")
    code, out = await audit(place, "tail", "--cursor", str(cursor), "--once")
    assert (code, "cursor" in out, "Traceback" in out) == (2, True, False)


BODIES: Sequence[dict[str, Any]] = (
    {}, {"kind": "event", "reason": "segment_opened", "ts": "2026-11-26T00:00:00+00:00"},
    {"hex": "ff"}, {"ts": 5, "person": 7, "status": ["x"], "latency_ms": "fast", "roles": "no"},
    {"latency_ms": 1e300, "roles": [1, "a"]}, {"kind": "intent", "method": "resources/read"},
)  # fmt: skip


@pytest.mark.parametrize("given", [None, *BODIES])
def test_an_ocsf_event_has_what_its_schema_requires(
    body: dict[str, Any], given: dict[str, Any] | None
) -> None:
    record = (
        given if given is not None else body | {"kind": "outcome", "ts": "2026-11-26T04:00:00Z"}
    )
    event = orjson.loads(orjson.dumps(ocsf.event("2026-11-26", "s", 4, record)))
    for name, kind in REQUIRED.items():
        assert type(event[name]) is kind, name

    def at(path: str) -> dict[str, Any]:
        here: dict[str, Any] = event
        for step in path.split("."):
            here = here[step]
        return here

    for path, names in REQUIRED_WITHIN.items():
        assert all(at(path).get(name) for name in names), path
    for path, names in ONE_OF.items():
        assert any(at(path).get(name) for name in names), path
    for name, values in ALLOWED.items():
        assert event[name] in values, name
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["class_uid"] == 6003
    assert event["metadata"]["uid"] == "s/4"


def test_ocsf_says_who_did_what_and_how_it_went(body: dict[str, Any]) -> None:
    said = body | {"kind": "refusal", "decision": "deny", "reason": "no_role", "status": "refused"}
    event = ocsf.event("2026-11-26", "s", 4, said)
    assert (event["status_id"], event["status_detail"]) == (2, "no_role")
    assert event["actor"]["user"]["name"] == "ana"
    assert event["api"]["operation"] == "tools/call get_metric"
    assert event["unmapped"]["args"] == {"name": "revenue"}
    assert ocsf.event("2026-11-26", "s", 4, body | {"kind": "outcome"})["status_id"] == 1


async def _started(place: Place, *words: str) -> asyncio.subprocess.Process:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    assert READER in place.reader
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_gateway.audit", *words,
        env=env | {"GATEWAY_LEDGER_READER_URL": place.reader},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
