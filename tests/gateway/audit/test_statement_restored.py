"""A restored backup: what checkpoints saw and the backup has not is RESTORED, and nothing else is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway.audit.conftest import Place

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import heads
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.duties.restating import restate
from mcp_gateway.audit.findings import Report
from mcp_gateway.audit.lookup import verify_receipt
from mcp_gateway.audit.statements.restored import Restored
from mcp_gateway.audit.verify import verify


async def seen(place: Place) -> Witnessed:
    """What a checkpoint outside would have seen now."""
    connection = await asyncpg.connect(place.reader)
    try:
        leaves = await heads.newest(connection, date.min)
    finally:
        await connection.close()
    found = Witnessed()
    for leaf in leaves:
        found.heads.setdefault((leaf.day, leaf.segment), {})[leaf.block] = leaf.head
    return found


async def checked(place: Place, witnessed: Witnessed | None = None) -> Report:
    return await verify(place.reader, keys.load_public(place.public), witnessed=witnessed)


class Lost:
    """A ledger put back to where its backup was: a tail and a whole segment are gone."""

    def __init__(self, place: Place, witnessed: Witnessed, receipts: list[dict[str, Any]]) -> None:
        self.place = place
        self.witnessed = witnessed
        self.receipts = receipts  # of the tail, and of the lost segment
        self.taken = datetime.now(UTC)

    async def stated(
        self, key: Ed25519PrivateKey | None = None, at: datetime | None = None
    ) -> Restored:
        return await restate(
            self.place.admin, key or keys.load_private(self.place.key), self.witnessed,
            by="otto", backup="of-noon", taken=self.taken, now=at or datetime.now(UTC),
        )  # fmt: skip


@pytest_asyncio.fixture
async def lost(place: Place, body: dict[str, Any]) -> Lost:
    async with place.opened() as ledger:
        for n in range(4):
            await ledger.append("event", body | {"rid": f"r-{n}"})
        tail = await ledger.append("event", body | {"rid": "r-4"})
    async with place.opened() as ledger:
        whole = await ledger.append("event", body | {"rid": "r-5"})
    witnessed = await seen(place)
    await place.sql(
        f"DELETE FROM audit.record WHERE seg = '{tail.segment}' AND seq >= {tail.seq}",
        f"DELETE FROM audit.block WHERE seg = '{tail.segment}' AND first_seq >= {tail.seq}",
        *(
            f"DELETE FROM audit.{table} WHERE seg = '{whole.segment}'"
            for table in ("record", "block", "segment")
        ),
    )
    return Lost(place, witnessed, [tail.receipt(), whole.receipt()])


async def test_without_a_statement_it_is_truncated_for_ever(lost: Lost) -> None:
    kinds = [one.kind for one in (await checked(lost.place, lost.witnessed)).findings]
    assert sorted(kinds) == ["SEGMENT-MISSING", "TRUNCATED"]


async def test_with_one_the_lost_range_is_told_and_the_rest_is_sound(
    lost: Lost, body: dict[str, Any]
) -> None:
    statement = await lost.stated()
    async with lost.place.opened() as ledger:
        await ledger.append("event", body)
    report = await checked(lost.place, lost.witnessed)
    assert report.sound, report.findings
    [told] = report.restored
    assert "by otto from of-noon" in told
    assert told.count(" segment ") == 2
    assert len(statement.lost()) == 2
    assert any("blocks 6 to 7" in one for one in statement.lost())
    # not only where checkpoints are at hand
    assert (await checked(lost.place)).restored == [told]


async def test_a_receipt_of_what_was_lost_says_so(lost: Lost) -> None:
    trusted = keys.load_public(lost.place.public)
    for given in lost.receipts:
        finding = await verify_receipt(given, trusted, lost.place.reader)
        assert finding is not None
        assert finding.kind == "RECEIPT-TRUNCATED"
    await lost.stated()
    for given in lost.receipts:
        finding = await verify_receipt(given, trusted, lost.place.reader)
        assert finding is not None
        assert finding.kind == "RESTORED"
        assert "by otto from of-noon" in finding.what


async def test_a_statement_excuses_nothing_that_is_cut_later(
    lost: Lost, body: dict[str, Any]
) -> None:
    await lost.stated()
    async with lost.place.opened() as ledger:
        entry = await ledger.append("event", body)
    later = await seen(lost.place)
    for place, blocks in lost.witnessed.heads.items():
        later.heads.setdefault(place, {}).update(blocks)
    assert (await checked(lost.place, later)).sound
    for table, column in (("record", "seq"), ("block", "first_seq")):
        await lost.place.sql(
            f"DELETE FROM audit.{table} WHERE seg = '{entry.segment}' AND {column} > 1"
        )
    [finding] = (await checked(lost.place, later)).findings
    assert (finding.kind, finding.segment) == ("TRUNCATED", entry.segment)
    # and one block more of what the statement said was kept
    [row] = await lost.place.rows(
        "SELECT seg, max(seq) AS seq FROM audit.record WHERE seg <> $1 GROUP BY seg", entry.segment
    )
    for table, column in (("record", "seq"), ("block", "first_seq")):
        await lost.place.sql(
            f"DELETE FROM audit.{table} WHERE seg = '{row['seg']}' AND {column} = {row['seq']}"
        )
    findings = (await checked(lost.place, later)).findings
    assert {one.segment for one in findings if one.kind == "TRUNCATED"} == {
        entry.segment,
        row["seg"],
    }


async def test_a_statement_dated_back_excuses_nothing_that_was_checkpointed_later(
    lost: Lost,
) -> None:
    """Whoever has a replaced key can sign with a moment of its time, and name what came after."""
    lost.witnessed.grown = dict.fromkeys(lost.witnessed.heads, datetime.now(UTC))
    assert (await lost.stated()).at
    assert (await checked(lost.place, lost.witnessed)).sound
    await lost.place.sql("DELETE FROM audit.restored")
    await lost.stated(at=datetime.now(UTC) - timedelta(hours=1))
    kinds = {one.kind for one in (await checked(lost.place, lost.witnessed)).findings}
    assert kinds == {"SEGMENT-MISSING", "TRUNCATED"}


async def test_a_statement_by_another_key_excuses_nothing(lost: Lost) -> None:
    await lost.stated(Ed25519PrivateKey.generate())
    kinds = sorted(one.kind for one in (await checked(lost.place, lost.witnessed)).findings)
    assert kinds == ["RESTORED", "SEGMENT-MISSING", "TRUNCATED"]


async def test_a_changed_statement_excuses_nothing(lost: Lost) -> None:
    await lost.stated()
    await lost.place.sql("UPDATE audit.restored SET statement = replace(statement, 'otto', 'anna')")
    kinds = [one.kind for one in (await checked(lost.place, lost.witnessed)).findings]
    assert "RESTORED" in kinds
    assert "TRUNCATED" in kinds
