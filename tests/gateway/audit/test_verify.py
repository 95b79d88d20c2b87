"""The database's superuser, triggers off, against the verifier.

Every attack is named with what it must be found as. The last three are what blocks alone cannot
show; they stand here so that nobody believes otherwise.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway.audit.conftest import Place
from gateway.audit.forger import forge_segment, rechain

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.findings import Report
from mcp_gateway.audit.lookup import verify_entry, verify_receipt
from mcp_gateway.audit.verify import verify

CALLS = 12


async def written(place: Place, body: dict[str, Any], calls: int = CALLS) -> list[dict[str, Any]]:
    """Calls of an intent and an outcome each, several to a block; their receipts."""
    receipts = []
    async with place.opened() as ledger:
        for start in range(0, calls, 4):
            for kind in ("intent", "outcome"):
                entries = await asyncio.gather(
                    *(ledger.append(kind, body | {"rid": f"r-{start + i}"}) for i in range(4))
                )
                receipts += [entry.receipt() for entry in entries]
    return receipts


async def checked(place: Place, **options: Any) -> Report:
    return await verify(place.reader, keys.load_public(place.public), **options)


async def found(place: Place) -> list[str]:
    return [finding.kind for finding in (await checked(place)).findings]


async def test_an_untouched_ledger_is_sound(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    report = await checked(place)
    assert report.sound, report.findings
    assert (report.records, report.segments) == (2 * CALLS + 2, 1)  # opened and closed are events
    assert report.blocks >= 8


async def test_an_edited_body_is_found_in_its_block(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    await place.sql(
        "UPDATE audit.record SET person = 'ben', body = convert_to("
        "replace(convert_from(body, 'UTF8'), '\"person\":\"ana\"', '\"person\":\"ben\"'), 'UTF8')"
        " WHERE seq = 7"
    )
    report = await checked(place)
    [finding] = report.findings
    assert finding.kind == "BLOCK"
    [row] = await place.rows("SELECT block FROM audit.record WHERE seq = 7")
    assert finding.block == row["block"]


async def test_a_deleted_record_leaves_a_gap(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    await place.sql("DELETE FROM audit.record WHERE seq = 7")
    first, *_ = (await checked(place)).findings
    assert (first.kind, first.seq) == ("GAP", 7)


async def test_deleting_and_renumbering_is_found(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    await place.sql(
        "DELETE FROM audit.record WHERE seq = 7",
        "UPDATE audit.record SET seq = seq + 1000 WHERE seq > 7",
        "UPDATE audit.record SET seq = seq - 1001 WHERE seq > 1000",
    )
    assert (await found(place))[0] == "BLOCK"


async def test_two_swapped_records_are_found(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    await place.sql(
        "UPDATE audit.record SET seq = 9999 WHERE seq = 7",
        "UPDATE audit.record SET seq = 7 WHERE seq = 8",
        "UPDATE audit.record SET seq = 8 WHERE seq = 9999",
    )
    assert (await found(place))[0] == "BLOCK"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("person", "'ben'"), ("decision", "'deny'"), ("ts", "now() - interval '1 day'"),
        ("tool", "NULL"), ("latency_ms", "0"), ("rid", "'other'"), ("block", "1"),
        ("kind", "'outcome'"), ("status", "'failed'"), ("trace", "'t'"), ("subject", "'x'"),
    ],
)  # fmt: skip
async def test_a_column_changed_alone_is_found(
    place: Place, body: dict[str, Any], column: str, value: str
) -> None:
    await written(place, body, 4)
    await place.sql(f"UPDATE audit.record SET {column} = {value} WHERE seq = 5")
    first, *_ = (await checked(place)).findings
    assert (first.kind, first.seq) == ("PROJECTION", 5)
    assert column in first.what


async def test_a_removed_block_leaves_a_gap(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    await place.sql(
        "DELETE FROM audit.record WHERE block = 3", "DELETE FROM audit.block WHERE block = 3"
    )
    assert (await found(place))[0] == "GAP"


async def test_records_that_no_block_covers_are_found(place: Place, body: dict[str, Any]) -> None:
    """What a thief of the writer's password could add."""
    await written(place, body)
    [last] = await place.rows("SELECT * FROM audit.record ORDER BY seq DESC LIMIT 1")
    writer = await asyncpg.connect(place.writer)
    await writer.execute(
        "INSERT INTO audit.record (seg_day, seg, seq, block, body) VALUES ($1, $2, $3, $4, $5)",
        last["seg_day"],
        last["seg"],
        last["seq"] + 1,
        last["block"] + 1,
        b"{}",
    )
    await writer.close()
    assert "BLOCK" in await found(place)


async def test_a_forged_segment_is_unregistered(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    await forge_segment(place, uuid4(), register=False)
    kinds = await found(place)
    assert kinds[0] == "UNREGISTERED-SEGMENT"
    assert "BLOCK" in kinds


async def test_a_forged_segment_with_a_forged_registration_lacks_the_key(
    place: Place, body: dict[str, Any]
) -> None:
    await written(place, body)
    await forge_segment(place, uuid4(), register=True)
    [finding] = (await checked(place)).findings
    assert finding.kind == "BLOCK"
    assert "not among the trusted keys" in finding.what


async def test_a_registration_moved_to_another_day_is_found(
    place: Place, body: dict[str, Any]
) -> None:
    await written(place, body)
    await place.sql("UPDATE audit.segment SET seg_day = seg_day - 1")
    assert set(await found(place)) == {"UNREGISTERED-SEGMENT", "SEGMENT-EMPTY"}


async def test_a_segment_emptied_of_all_its_rows_is_found(
    place: Place, body: dict[str, Any]
) -> None:
    await written(place, body)
    await place.sql("DELETE FROM audit.record", "DELETE FROM audit.block")
    assert await found(place) == ["SEGMENT-EMPTY"]


@pytest.mark.parametrize("attacker", ["keeps the old signatures", "signs with a key of his own"])
async def test_an_edit_with_the_whole_chain_recomputed_is_found_where_it_began(
    place: Place, body: dict[str, Any], attacker: str
) -> None:
    """The attack an unsigned chain misses."""
    await written(place, body)
    await place.sql(
        "UPDATE audit.record SET person = 'ben', body = convert_to("
        "replace(convert_from(body, 'UTF8'), '\"person\":\"ana\"', '\"person\":\"ben\"'), 'UTF8')"
        " WHERE seq = 7"
    )
    key = Ed25519PrivateKey.generate() if attacker.startswith("signs") else None
    changed = await rechain(place, key)
    [finding] = (await checked(place)).findings
    assert (finding.kind, finding.block) == ("BLOCK", changed)


async def test_a_changed_head_is_found_where_it_stands(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    await place.sql("UPDATE audit.block SET signed_at = signed_at + interval '1 s' WHERE block = 3")
    first, *_ = (await checked(place)).findings
    assert (first.kind, first.block) == ("BLOCK", 3)


async def test_a_changed_signature_is_found_where_it_stands(
    place: Place, body: dict[str, Any]
) -> None:
    await written(place, body)
    await place.sql("UPDATE audit.block SET signature = sha512(signature) WHERE block = 3")
    first, *_ = (await checked(place)).findings
    assert (first.kind, first.block) == ("BLOCK", 3)


async def test_a_head_that_states_too_many_records_is_not_believed(
    place: Place, body: dict[str, Any]
) -> None:
    await written(place, body)
    await place.sql("UPDATE audit.block SET count = 2000000000 WHERE block = 3")
    assert (await found(place))[0] == "BLOCK"


async def test_a_key_row_in_the_database_would_not_be_trusted(
    place: Place, body: dict[str, Any], tmp_path: Any
) -> None:
    await written(place, body)
    keys.create(tmp_path / "other" / keys.PRIVATE_NAME)
    other = keys.load_public(tmp_path / "other" / keys.PUBLIC_NAME)
    report = await verify(place.reader, other)
    assert [finding.kind for finding in report.findings] == ["BLOCK"]


async def test_a_call_recorded_twice_is_a_duplicate(place: Place, body: dict[str, Any]) -> None:
    async with place.opened() as ledger:
        for kind in ("intent", "outcome", "outcome"):
            await ledger.append(kind, body)
    assert await found(place) == ["DUPLICATE"]


async def test_an_intent_without_outcome_is_open_and_later_a_finding(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        await ledger.append("intent", body | {"rid": "fresh"})
        old = datetime.now(UTC) - timedelta(minutes=6)
        await ledger.append("intent", body | {"rid": "old", "ts": old})
    report = await checked(place)
    assert [intent.rid for intent in report.open] == ["fresh"]
    assert [(f.kind, f.seq) for f in report.findings] == [("OPEN-INTENT", 3)]


async def test_a_record_from_the_future_is_a_clock_finding(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        soon = datetime.now(UTC) + timedelta(hours=1)
        await ledger.append("event", body | {"ts": soon})
    assert await found(place) == ["CLOCK"]


async def test_a_backdated_server_clock_is_a_clock_finding(
    place: Place, body: dict[str, Any]
) -> None:
    await written(place, body, 4)
    await place.sql("UPDATE audit.block SET db_ts = db_ts - interval '1 hour' WHERE block = 2")
    assert set(await found(place)) == {"CLOCK"}


async def test_since_leaves_earlier_days_out(place: Place, body: dict[str, Any]) -> None:
    await written(place, body, 4)
    assert (await checked(place, since=datetime.now(UTC).date())).records > 0
    assert (await checked(place, since=date(2190, 1, 1))).records == 0


async def test_one_record_is_proved_with_its_receipt(place: Place, body: dict[str, Any]) -> None:
    receipts = await written(place, body)
    trusted = keys.load_public(place.public)
    given = receipts[5]
    proof = await verify_entry(place.reader, trusted, UUID(given["segment"]), given["seq"])
    assert proof.findings == ()
    assert proof.receipt == given
    assert proof.body is not None
    assert proof.body["person"] == "ana"


@pytest.mark.parametrize(
    ("attack", "kind"),
    [
        ("UPDATE audit.record SET body = '{}' WHERE seq = 8", "BLOCK"),
        ("UPDATE audit.record SET person = 'ben' WHERE seq = 7", "PROJECTION"),
        ("DELETE FROM audit.record WHERE seq = 8", "GAP"),
        ("UPDATE audit.block SET root = sha256(root)", "BLOCK"),
        ("DELETE FROM audit.block", "GAP"),
    ],
)
async def test_a_touched_record_is_not_proved(
    place: Place, body: dict[str, Any], attack: str, kind: str
) -> None:
    receipts = await written(place, body)
    await place.sql(attack)
    segment = UUID(receipts[0]["segment"])
    proof = await verify_entry(place.reader, keys.load_public(place.public), segment, 7)
    assert [finding.kind for finding in proof.findings] == [kind]


async def test_a_tail_cut_off_is_missed_by_blocks_and_shown_by_a_receipt(
    place: Place, body: dict[str, Any]
) -> None:
    """The limit of signed blocks alone: only a head kept elsewhere shows a cut tail."""
    receipts = await written(place, body)
    [row] = await place.rows("SELECT max(block) AS last FROM audit.block")
    await place.sql(
        f"DELETE FROM audit.record WHERE block >= {row['last'] - 1}",
        f"DELETE FROM audit.block WHERE block >= {row['last'] - 1}",
    )
    assert {f.kind for f in (await checked(place)).findings} <= {"OPEN-INTENT"}
    finding = await verify_receipt(receipts[-1], keys.load_public(place.public), place.reader)
    assert finding is not None
    assert finding.kind == "RECEIPT-TRUNCATED"


async def test_a_dropped_segment_is_missed_by_blocks_and_shown_by_a_receipt(
    place: Place, body: dict[str, Any]
) -> None:
    """The limit of signed blocks alone: only a head kept elsewhere shows a dropped segment."""
    receipts = await written(place, body)
    await place.sql(
        "DELETE FROM audit.record", "DELETE FROM audit.block", "DELETE FROM audit.segment"
    )
    assert (await checked(place)).sound
    finding = await verify_receipt(receipts[0], keys.load_public(place.public), place.reader)
    assert finding is not None
    assert finding.kind == "RECEIPT-TRUNCATED"


async def test_whoever_holds_the_key_and_the_database_can_rewrite_what_no_receipt_shows(
    place: Place, body: dict[str, Any]
) -> None:
    """The limit of signed blocks alone: the key must not be where the database's owner is."""
    receipts = await written(place, body)
    await place.sql(
        "UPDATE audit.record SET person = 'ben', body = convert_to("
        "replace(convert_from(body, 'UTF8'), '\"person\":\"ana\"', '\"person\":\"ben\"'), 'UTF8')"
        " WHERE seq = 7"
    )
    await rechain(place, keys.load_private(place.key))
    assert (await checked(place)).sound
    finding = await verify_receipt(receipts[5], keys.load_public(place.public), place.reader)
    assert finding is not None
    assert finding.kind == "RECEIPT-MISMATCH"


async def test_a_place_without_checkpoints_is_a_finding_once_the_ledger_is_older_than_a_start(
    place: Place, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(place, body)
    assert (await checked(place, witnessed=Witnessed())).sound, "the first is on its way"
    monkeypatch.setattr("mcp_gateway.audit.verify.BEGINNING_SECONDS", 0)
    [finding] = (await checked(place, witnessed=Witnessed())).findings
    assert (finding.kind, finding.what) == ("CHECKPOINT-ROOT", "the place holds no checkpoint")
