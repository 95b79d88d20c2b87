"""Days that are retired: exported and verified first, by two people, and with a tombstone."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway.audit.conftest import Place
from gateway.audit.past import a_day, ago
from gateway.audit.sealed import calling, checked

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.duties import retention
from mcp_gateway.audit.duties.retention import NotRetiredError, Retired
from mcp_gateway.audit.duties.two_names import NotApprovedError, propose
from mcp_gateway.audit.findings import Report
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.offline.trust import load as load_trust
from mcp_gateway.audit.offline.verify import verify as verify_export
from mcp_gateway.audit.statements import tombstone
from mcp_gateway.audit.verify import verify


def where(place: Place, ledger: Ledger, exports: Path) -> retention.Place:
    return retention.Place(
        ledger, place.reader, place.admin, place.key.parent, keys.load_public(place.public), exports
    )


async def retired(place: Place, ledger: Ledger, before: date, exports: Path) -> list[Retired]:
    number = await propose(ledger, "retire", retention.scope(before), "paula")
    return await retention.retire(where(place, ledger, exports), before, proposal=number, by="otto")


async def days(place: Place) -> set[date]:
    return {row["seg_day"] for row in await place.rows("SELECT DISTINCT seg_day FROM audit.record")}


async def test_L19_a_retired_day_passes_with_its_tombstone_and_not_without(
    place: Place, tmp_path: Path
) -> None:
    old = await a_day(place, ago(40))
    await a_day(place, ago(40))
    await a_day(place, ago(39))
    async with calling(place) as (ledger, _):
        [gone] = await retired(place, ledger, ago(39), tmp_path / "exports")
    assert (gone.day, gone.segments, gone.records) == (ago(40), 2, 14)
    assert await days(place) == {ago(39), ago(0)}
    report = await checked(place)
    assert report.sound, report.findings
    assert (report.retired, report.segments) == (2, 2)
    exported, _ = verify_export(str(gone.file), load_trust(place.public), jobs=1)
    assert (exported.sound, exported.records) == (True, 14)

    await place.sql(f"DELETE FROM audit.tombstone WHERE seg = '{old}'")
    [finding] = (await checked(place)).findings
    assert (finding.kind, finding.segment) == ("SEGMENT-EMPTY", old)


async def test_a_day_that_was_dropped_without_anything_is_found(place: Place) -> None:
    old = await a_day(place, ago(40))
    await place.sql(
        f"DROP TABLE audit.record_{ago(40):%Y%m%d}", f"DROP TABLE audit.block_{ago(40):%Y%m%d}"
    )
    [finding] = (await checked(place)).findings
    assert (finding.kind, finding.segment) == ("SEGMENT-EMPTY", old)


async def forged(place: Place) -> None:
    """Signed with a key of one's own."""
    [row] = await place.rows("SELECT * FROM audit.tombstone")
    stone = tombstone.Tombstone(
        row["seg_day"], row["seg"], row["records"], 1, row["head"], row["head"]
    )
    text, signature = stone.sign(
        Ed25519PrivateKey.generate(), at=datetime.now(UTC), export={}, names=("paula", "otto")
    )
    quoted = text.replace("'", "''")
    await place.sql(
        f"UPDATE audit.tombstone SET statement = '{quoted}', signature = '\\x{signature.hex()}'"
    )


def column(change: str) -> Callable[[Place], Awaitable[None]]:
    async def changed(place: Place) -> None:
        await place.sql(f"UPDATE audit.tombstone SET {change}")

    return changed


@pytest.mark.parametrize(
    "attack",
    [
        forged,
        column("records = records + 1"),
        column("approved_by = 'nobody'"),
        column("head = sha256('')"),
        column("statement = replace(statement, '\"blocks\":7', '\"blocks\":8')"),
        column("signature = sha512('')"),
    ],
    ids=["another key", "count", "name", "head", "text", "signature"],
)
async def test_a_tombstone_that_was_touched_is_found(
    place: Place, tmp_path: Path, attack: Callable[[Place], Awaitable[None]]
) -> None:
    old = await a_day(place, ago(40))
    async with calling(place) as (ledger, _):
        await retired(place, ledger, ago(39), tmp_path / "exports")
    await attack(place)
    kinds = {finding.kind: finding for finding in (await checked(place)).findings}
    assert kinds["TOMBSTONE"].segment == old
    assert "SEGMENT-EMPTY" in kinds


async def test_a_tombstone_is_held_against_the_checkpoints(place: Place, tmp_path: Path) -> None:
    old = await a_day(place, ago(40))
    [row] = await place.rows("SELECT max(block) AS last FROM audit.block WHERE seg = $1", old)
    async with calling(place) as (ledger, _):
        await retired(place, ledger, ago(39), tmp_path / "exports")
    [stone] = await place.rows("SELECT head FROM audit.tombstone")

    async def with_seen(seen: dict[int, bytes]) -> Report:
        witnessed = Witnessed(heads={(ago(40), old): seen})
        return await verify(place.reader, keys.load_public(place.public), witnessed=witnessed)

    assert (await with_seen({row["last"]: stone["head"]})).sound
    for seen in ({row["last"] + 1: bytes(32)}, {row["last"]: bytes(32)}):
        [finding] = (await with_seen(seen)).findings
        assert (finding.kind, finding.segment) == ("TOMBSTONE", old)


async def test_rows_beside_a_tombstone_are_found(place: Place, tmp_path: Path) -> None:
    old = await a_day(place, ago(40))
    async with calling(place) as (ledger, _):
        await retired(place, ledger, ago(39), tmp_path / "exports")
    kept = await place.rows("SELECT * FROM audit.tombstone")
    again = await a_day(place, ago(40))
    await place.sql(f"UPDATE audit.segment SET seg = gen_random_uuid() WHERE seg = '{old}'")
    await place.sql(
        f"UPDATE audit.block SET seg = '{old}' WHERE seg = '{again}'",
        f"UPDATE audit.record SET seg = '{old}' WHERE seg = '{again}'",
        f"UPDATE audit.segment SET seg = '{old}' WHERE seg = '{again}'",
    )
    assert len(kept) == 1
    assert "TOMBSTONE" in {finding.kind for finding in (await checked(place)).findings}


async def test_nobody_retires_alone_and_nothing_too_young(place: Place, tmp_path: Path) -> None:
    await a_day(place, ago(40))
    async with calling(place) as (ledger, _):
        here = where(place, ledger, tmp_path)
        number = await propose(ledger, "retire", retention.scope(ago(39)), "paula")
        with pytest.raises(NotApprovedError, match="somebody else"):
            await retention.retire(here, ago(39), proposal=number, by="paula")
        with pytest.raises(NotApprovedError, match="something else"):
            await retention.retire(here, ago(30), proposal=number, by="otto")
        with pytest.raises(NotRetiredError, match="wait a day"):
            await retired(place, ledger, ago(0) + timedelta(days=1), tmp_path)
    assert await days(place) == {ago(40), ago(0)}


async def test_a_day_that_does_not_verify_stays(place: Place, tmp_path: Path) -> None:
    await a_day(place, ago(40))
    await place.sql(
        "UPDATE audit.record SET body = convert_to("
        "replace(convert_from(body, 'UTF8'), 'ana', 'ben'), 'UTF8') WHERE seq = 3"
    )
    async with calling(place) as (ledger, _):
        with pytest.raises(NotRetiredError, match="does not verify: BLOCK"):
            await retired(place, ledger, ago(39), tmp_path)
    assert ago(40) in await days(place)
    assert not await place.rows("SELECT FROM audit.tombstone")


async def test_a_call_without_outcome_is_settled_before_its_day_goes(
    place: Place, tmp_path: Path
) -> None:
    await a_day(place, ago(40))
    async with calling(place) as (ledger, _):
        [row] = await place.rows("SELECT rid FROM audit.record WHERE seq = 6")
        await place.sql("DELETE FROM audit.record WHERE seq = 7", "DELETE FROM audit.block "
                        "WHERE block = 7")  # fmt: skip
        with pytest.raises(NotRetiredError, match=f"{row['rid']} has no outcome"):
            await retired(place, ledger, ago(39), tmp_path)
        await ledger.append("outcome", {"rid": row["rid"], "status": "unknown"})
        [gone] = await retired(place, ledger, ago(39), tmp_path)
    assert gone.records == 6


async def counted(connection: Any, day: date, segment: UUID, records: int) -> None:
    await connection.execute("SET ROLE audit_maint")
    await connection.execute(
        "INSERT INTO audit.tombstone (seg, seg_day, records, head, proposed_by, approved_by, "
        "statement, signature) VALUES ($1, $2, $3, sha256(''), 'a', 'b', '', sha512(''))",
        segment, day, records,
    )  # fmt: skip


@pytest.mark.parametrize("records", [None, 6, 8])
async def test_the_database_drops_no_day_that_no_tombstone_counts(
    place: Place, records: int | None
) -> None:
    old = await a_day(place, ago(40))
    connection = await asyncpg.connect(place.admin)
    try:
        if records is not None:
            await counted(connection, ago(40), old, records)
        await connection.execute("SET ROLE audit_maint")
        with pytest.raises(asyncpg.RaiseError, match="no tombstone that counts"):
            await connection.execute("SELECT audit.retire($1)", ago(40))
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO audit.tombstone (seg, seg_day, records, head, proposed_by, "
                "approved_by, statement, signature) VALUES "
                "(gen_random_uuid(), $1, 1, sha256(''), 'otto', 'otto', '', sha512(''))", ago(40),
            )  # fmt: skip
        with pytest.raises(asyncpg.RaiseError, match="has not passed"):
            await connection.execute("SELECT audit.retire($1)", ago(0))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"DROP TABLE audit.record_{ago(40):%Y%m%d}")
    finally:
        await connection.close()
    assert ago(40) in await days(place)


async def test_payloads_and_keys_of_a_day_go_with_it(place: Place, tmp_path: Path) -> None:
    await a_day(place, ago(40))
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "a-1", {"text": "today"})
        await place.sql(
            f"INSERT INTO audit.subject_key SELECT '{ago(40)}', gen_random_uuid(), subject, kek, "
            "wrapped, made FROM audit.subject_key"
        )
        await retired(place, ledger, ago(39), tmp_path / "exports")
        [event] = await place.rows("SELECT body FROM audit.record WHERE reason = 'day_retired'")
    assert orjson.loads(event["body"])["detail"]["day"] == ago(40).isoformat()
    [row] = await place.rows("SELECT array_agg(DISTINCT seg_day) AS days FROM audit.subject_key")
    assert row["days"] == [ago(0)]
