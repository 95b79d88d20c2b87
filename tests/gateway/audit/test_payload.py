"""Arguments encrypted beside the record: what is stored, who opens it, and what is refused."""

from typing import Any

import asyncpg
import orjson
import pytest
from gateway.audit.conftest import Place
from gateway.audit.sealed import calling, checked

from mcp_gateway.audit import keys, payload
from mcp_gateway.audit.duties.opening import NotOpenedError, Shown, open_arguments
from mcp_gateway.audit.keys import KeyFileError
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.payload import create_kek, load_kek, load_keks

SENTENCE = "Mrs Brandt of Larkfield wants her claim settled"


async def opened(place: Place, ledger: Ledger, rid: str) -> Shown:
    return await open_arguments(
        place.reader, ledger, keys.load_public(place.public), load_keks(place.key.parent),
        rid=rid, by="audra",
    )  # fmt: skip


async def bodies(place: Place, kind: str = "intent") -> list[dict[str, Any]]:
    rows = await place.rows("SELECT body FROM audit.record WHERE kind = $1 ORDER BY seq", kind)
    return [orjson.loads(row["body"]) for row in rows]


async def test_encrypted_arguments_open_for_the_auditor_and_on_the_record(place: Place) -> None:
    sent = {"text": SENTENCE, "deep": [{"iban": "DE02120300000000202051"}]}
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "c-1", sent)
        shown = await opened(place, ledger, "c-1")
    assert orjson.loads(shown.arguments) == sent
    assert shown.person == "ana"
    [event] = [one for one in await bodies(place, "event") if one["reason"] == "arguments_opened"]
    assert event["detail"] == {"rid": "c-1", "by": "audra", "erased": False}
    assert (await checked(place)).sound


async def test_the_body_keeps_names_and_commitments_and_no_value(place: Place) -> None:
    async with calling(place) as (_, calls):
        await calls.of("ana", "c-1", {"text": SENTENCE, "n": 7})
    [body] = await bodies(place)
    assert SENTENCE not in str(body)
    assert {name: one["redacted"] for name, one in body["args"].items()} == {
        "text": "policy",
        "n": "policy",
    }
    [row] = await place.rows("SELECT nonce, ct, key_id FROM audit.payload")
    assert body["payload"] == {
        "key": str(row["key_id"]),
        "sha256": payload.ciphertext_hash(row["nonce"], row["ct"]),
    }
    assert SENTENCE.encode() not in row["ct"]


async def test_a_tool_without_the_word_keeps_what_it_kept_before(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "c-1", {"text": SENTENCE}, keep="redacted")
        with pytest.raises(NotOpenedError, match="keep: encrypted"):
            await opened(place, ledger, "c-1")
    [body] = await bodies(place)
    assert body["args"] == {"text": SENTENCE}
    assert "payload" not in body
    assert not await place.rows("SELECT FROM audit.payload")


async def test_one_person_has_one_key_a_day_and_another_person_another(place: Place) -> None:
    async with calling(place) as (_, calls):
        await calls.many("ana", 20)
        await calls.many("ben", 5)
        await calls.many("ana", 5, first=20)
    [row] = await place.rows(
        "SELECT count(*) AS keys, count(DISTINCT subject) AS people FROM audit.subject_key"
    )
    assert (row["keys"], row["people"]) == (2, 2)
    [row] = await place.rows(
        "SELECT count(*) AS payloads, count(DISTINCT nonce) AS nonces FROM audit.payload"
    )
    assert (row["payloads"], row["nonces"]) == (30, 30)


async def test_intent_and_payload_are_one_commit(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        before = ledger.blocks
        await calls.of("ana", "c-1", {"text": SENTENCE})
        assert ledger.blocks == before + 2  # the intent with its payload, the outcome
    rows = await place.rows(
        "SELECT xmin::text AS made FROM audit.payload "
        "UNION ALL SELECT xmin::text FROM audit.subject_key "
        "UNION ALL SELECT xmin::text FROM audit.record WHERE kind = 'intent'"
    )
    assert len(rows) == 3
    assert len({row["made"] for row in rows}) == 1


async def test_a_key_whose_first_record_was_refused_is_still_kept_with_the_next(
    place: Place,
) -> None:
    """A key counts as kept when its block is durable, and not when it was handed over."""
    create_kek(place.key.parent)
    vault = payload.Vault(load_kek(place.key.parent / payload.KEK_NAME))
    lost = vault.seal("i", "s", "c-0", {}, bytes(16))
    kept = vault.seal("i", "s", "c-1", {"n": 1}, bytes(16))
    assert lost is not None
    assert kept is not None
    assert lost.key is kept.key
    async with place.opened() as ledger:
        await ledger.append("intent", {"rid": "c-1"}, kept)
        again = vault.seal("i", "s", "c-2", {"n": 2}, bytes(16))
        await ledger.append("intent", {"rid": "c-2"}, again)
    [row] = await place.rows("SELECT key_id FROM audit.subject_key")
    assert row["key_id"] == kept.key.id


async def test_a_changed_payload_does_not_open(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "c-1", {"text": SENTENCE})
        await calls.of("ana", "c-2", {"text": "another"})
        await place.sql(
            "UPDATE audit.payload a SET ct = b.ct, nonce = b.nonce FROM audit.payload b "
            "WHERE a.rid = 'c-1' AND b.rid = 'c-2'"
        )
        with pytest.raises(NotOpenedError, match="not the one its record was signed with"):
            await opened(place, ledger, "c-1")


async def test_what_is_too_large_to_keep_is_stated(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "c-1", {"text": "x" * payload.PLAIN_LIMIT})
        with pytest.raises(NotOpenedError, match="too_large"):
            await opened(place, ledger, "c-1")
    assert (await checked(place)).sound


async def test_without_a_key_the_record_says_so_and_keeps_no_value(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.audit.sealed.create_kek", lambda _: None)
    async with calling(place) as (_, calls):
        await calls.of("ana", "c-1", {"text": SENTENCE})
    [body] = await bodies(place)
    assert body["payload"] == {"left_out": "no_key"}
    assert SENTENCE not in str(body)


async def test_the_wrapping_key_is_its_owners_alone(place: Place) -> None:
    folder = place.key.parent
    assert create_kek(folder)
    assert not create_kek(folder)
    path = folder / payload.KEK_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_kek(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(KeyFileError, match="32 bytes"):
        load_kek(path)


async def test_a_replaced_wrapping_key_opens_what_it_wrapped(place: Place) -> None:
    folder = place.key.parent
    async with calling(place) as (_, calls):
        await calls.of("ana", "c-1", {"text": SENTENCE})
    (folder / payload.KEK_NAME).rename(folder / "payload-2026.key")
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "c-2", {"text": "later"})
        assert SENTENCE in (await opened(place, ledger, "c-1")).arguments.decode()
        assert b"later" in (await opened(place, ledger, "c-2")).arguments
        (folder / "payload-2026.key").unlink()
        with pytest.raises(KeyFileError, match="was replaced and not kept"):
            await opened(place, ledger, "c-1")


@pytest.mark.parametrize(
    "attack",
    [
        "SELECT ct FROM audit.payload", "SELECT wrapped FROM audit.subject_key",
        "DELETE FROM audit.subject_key", "DELETE FROM audit.payload",
        "SELECT audit.erase(sha256(''), now())", "SELECT audit.retire('2001-01-01')",
        "INSERT INTO audit.tombstone (seg) VALUES (gen_random_uuid())", "SET ROLE audit_maint",
    ],
)  # fmt: skip
async def test_the_gateways_login_can_only_add(place: Place, attack: str) -> None:
    connection = await asyncpg.connect(place.writer)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(attack)
    finally:
        await connection.close()
