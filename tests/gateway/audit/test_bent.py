"""What else a superuser can bend than rows: the tables themselves, clocks, names, statements.

Beside the table of `test_tamper.py`. The last ones show where it ends: what is said there is the
database's word alone.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

import asyncpg
import pytest
from gateway.audit.conftest import Place, opened
from gateway.audit.past import PARENTS, a_day, ago

from mcp_gateway.audit import keys, reading
from mcp_gateway.audit.findings import Report
from mcp_gateway.audit.verify import verify
from mcp_gateway.audit.waiting import LedgerDown

Body = dict[str, Any]


async def written(place: Place, body: Body, replica: str = "replica-1") -> None:
    async with opened(place, replica) as ledger:
        for kind in ("intent", "outcome"):
            rids = [f"{ledger._name[-6:]}-{n}" for n in range(4)]
            await asyncio.gather(*(ledger.append(kind, body | {"rid": rid}) for rid in rids))


async def checked(place: Place) -> Report:
    return await verify(place.reader, keys.load_public(place.public))


async def found(place: Place) -> set[str]:
    return {finding.kind for finding in (await checked(place)).findings}


FREE = (
    "ALTER TABLE audit.record DROP CONSTRAINT record_pkey",
    "ALTER TABLE audit.record DROP CONSTRAINT record_seq_check",
    "ALTER TABLE audit.record ALTER seg_day DROP NOT NULL, ALTER seg DROP NOT NULL",
    "ALTER TABLE audit.record ALTER seq DROP NOT NULL, ALTER body DROP NOT NULL",
    "CREATE TABLE audit.anywhere PARTITION OF audit.record DEFAULT",
)
COPY = (
    "INSERT INTO audit.record (seg_day, seg, seq, block, body, ts, kind, person) "
    "SELECT {day}, {seg}, {seq}, block, {body}, ts, kind, 'ben' FROM audit.record WHERE seq = 3"
)


def copied(**columns: str) -> str:
    return COPY.format(**{"day": "seg_day", "seg": "seg", "seq": "seq", "body": "body"} | columns)


@pytest.mark.parametrize(
    "statement",
    [
        copied(),
        copied(seq="0"),
        copied(seq="-7"),
        copied(seq="NULL"),
        copied(day="NULL"),
        copied(seg="NULL"),
        copied(seq="seq + 1000000"),
        copied(day="seg_day + 4000"),
        copied(day="'4713-01-01 BC'"),
        "UPDATE audit.record SET body = NULL WHERE seq = 3",
    ],
)
async def test_a_record_is_found_wherever_a_table_without_constraints_takes_it(
    place: Place, body: Body, statement: str
) -> None:
    await written(place, body)
    await place.sql(*FREE)
    assert await found(place) == set()
    await place.sql(statement)
    assert await found(place)


HEADS = (
    "block = 0", "block = 9", "first_seq = 1, count = 1", "count = count + 1",
    "first_seq = first_seq + 1", "prev = sha256('')", "root = sha256('')",
    "signed_at = signed_at + interval '1 second'", "signed_at = 'infinity'",
    "db_ts = '-infinity'", "db_ts = db_ts + interval '1 hour'", "key = '0123456789abcdef'",
    "signature = sha512('')", "seg_day = seg_day + 1", "seg = gen_random_uuid()",
)  # fmt: skip


async def test_whatever_a_head_is_made_to_say_is_found(place: Place) -> None:
    """Each in a segment of its own, so that none hides another."""
    changes = {await a_day(place, ago(1), calls=2): change for change in HEADS}
    assert await found(place) == set()
    await place.sql(
        "ALTER TABLE audit.block DROP CONSTRAINT block_block_check",
        *(
            f"UPDATE audit.block SET {change} WHERE seg = '{segment}' AND block = 2"
            for segment, change in changes.items()
        ),
    )
    named = {finding.segment for finding in (await checked(place)).findings}
    assert {change for segment, change in changes.items() if segment not in named} == set()


async def test_a_segment_kept_up_by_a_head_that_is_none_is_empty(place: Place, body: Body) -> None:
    await written(place, body)
    await place.sql(
        "ALTER TABLE audit.block DROP CONSTRAINT block_block_check",
        "DELETE FROM audit.record",
        "DELETE FROM audit.block WHERE block > 1",
        "UPDATE audit.block SET block = 0",
    )
    assert await found(place) == {"SEGMENT-EMPTY"}


async def test_a_partition_taken_off_is_missed_until_it_is_back(place: Place, body: Body) -> None:
    await written(place, body)
    part = f"{ago(0):%Y%m%d}"
    off = [f"ALTER TABLE audit.{one} DETACH PARTITION audit.{one}_{part}" for one in PARENTS]
    on = [
        f"ALTER TABLE audit.{one} ATTACH PARTITION audit.{one}_{part} "
        f"FOR VALUES FROM ('{ago(0)}') TO ('{ago(-1)}')"
        for one in PARENTS
    ]
    await place.sql(*off)
    assert await found(place) == {"SEGMENT-EMPTY"}
    await place.sql(*on)
    assert await found(place) == set()
    await place.sql(*off, f"UPDATE audit.record_{part} SET person = 'ben' WHERE seq = 3", *on)
    assert await found(place) == {"PROJECTION"}


async def test_two_segments_that_change_places_are_found(place: Place, body: Body) -> None:
    """Also where only the registrations change theirs."""
    for replica in ("replica-1", "replica-2"):
        await written(place, body, replica)
    one, two = [row["seg"] for row in await place.rows("SELECT seg FROM audit.segment")]
    exchange = f"seg = CASE seg WHEN '{one}' THEN '{two}'::uuid ELSE '{one}' END"
    for table in ("block", "record"):
        await place.sql(f"ALTER TABLE audit.{table} DROP CONSTRAINT {table}_pkey")
    await place.sql("ALTER TABLE audit.segment DROP CONSTRAINT segment_pkey")
    for tables in (("segment",), ("block",), ("record",), ("segment", "block", "record")):
        statements = [f"UPDATE audit.{table} SET {exchange}" for table in tables]
        await place.sql(*statements)
        assert await found(place), tables
        await place.sql(*statements)
        assert await found(place) == set(), tables


async def test_a_policy_that_hides_rows_from_readers_is_an_error(place: Place, body: Body) -> None:
    """Else who asks for open calls would be told of none."""
    async with place.opened() as ledger:
        await ledger.append("intent", body | {"ts": "2026-01-01T00:00:00+00:00"})
    assert "OPEN-INTENT" in await found(place)
    await place.sql(
        "ALTER TABLE audit.record ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY lies ON audit.record USING (current_query() NOT LIKE '%NOT EXISTS%')",
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await checked(place)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await reading.show(place.reader, person="ana")


TRIGGER = """
    CREATE FUNCTION audit.swallow() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF NEW.person = ''ana'' THEN RETURN NULL; END IF; RETURN NEW; END';
    CREATE TRIGGER swallow BEFORE INSERT ON audit.record
        FOR EACH ROW EXECUTE FUNCTION audit.swallow()
"""
RULE = "CREATE RULE swallow AS ON INSERT TO audit.record DO INSTEAD NOTHING"


@pytest.mark.parametrize(
    ("swallowed", "kinds"), [(TRIGGER, {"GAP"}), (RULE, set())], ids=["a trigger", "a rule"]
)
async def test_a_database_that_swallows_records_ends_the_ledger_before_an_answer(
    place: Place, body: Body, swallowed: str, kinds: set[str]
) -> None:
    async with place.opened() as ledger:
        await place.sql(swallowed)
        with pytest.raises(LedgerDown):
            await ledger.append("intent", body)
        assert ledger.ended
    assert await found(place) == kinds


async def test_a_clock_set_back_is_a_finding_though_the_databases_agrees(
    place: Place, body: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One machine, both clocks: only the order of signing contradicts them."""

    class Back(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) - timedelta(hours=1)

    async with place.opened() as ledger:
        await ledger.append("event", body)
        monkeypatch.setattr("mcp_gateway.audit.ledger.datetime", Back)
        await ledger.append("event", body)
    await place.sql("UPDATE audit.block SET db_ts = signed_at")
    [finding] = (await checked(place)).findings
    assert (finding.kind, finding.block) == ("CLOCK", 3)


async def test_two_gateways_of_one_name_write_side_by_side_and_stay_apart(
    place: Place, body: Body
) -> None:
    """A name is what somebody set. The segment tells processes apart, and nothing is mixed."""
    async with opened(place, "replica-1") as one, opened(place, "replica-1") as two:
        for ledger in (one, two):
            await ledger.append("event", body | {"rid": None})
    assert await found(place) == set()
    [row] = await place.rows("SELECT count(*) AS segments FROM audit.segment")
    assert row["segments"] == 2


UNSIGNED: Mapping[str, str] = {
    "when the database opened a segment": "audit.segment SET opened = opened - interval '9 days'",
    "which login did": "audit.segment SET login = 'somebody'",
    "from which address": "audit.segment SET client = '10.9.9.9'",
    "its own clock, by less than clocks differ": (
        "audit.block SET db_ts = db_ts + interval '1 minute'"
    ),
}


@pytest.mark.parametrize("said", UNSIGNED.values(), ids=UNSIGNED.keys())
async def test_what_the_database_alone_says_is_not_proved(
    place: Place, body: Body, said: str
) -> None:
    """So that nobody relies on it: the signed records name replica, person and time themselves."""
    await written(place, body)
    await place.sql(f"UPDATE {said}")
    assert await found(place) == set()
