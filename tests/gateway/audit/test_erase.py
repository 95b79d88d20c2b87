"""A person asks for erasure: what can be read afterwards, and what still verifies."""

import asyncio
from typing import Any

import asyncpg
import orjson
import pytest
from gateway.audit.conftest import Place
from gateway.audit.sealed import calling, checked

from mcp_gateway.audit import keys
from mcp_gateway.audit.duties import erase, two_names
from mcp_gateway.audit.duties.erase import NobodyError
from mcp_gateway.audit.duties.opening import ErasedError, open_arguments
from mcp_gateway.audit.duties.two_names import NotApprovedError, propose
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.payload import load_keks

CANARY = "canary-7d1e: the claim of Mrs Brandt"


def where(place: Place, ledger: Ledger) -> erase.Place:
    return erase.Place(
        ledger, place.reader, place.admin, place.key.parent, keys.load_public(place.public)
    )


async def found(place: Place, name: str, *, by_subject: bool = False) -> erase.Person:
    return await erase.find(place.reader, load_keks(place.key.parent), name, by_subject=by_subject)


async def opened(place: Place, ledger: Ledger, rid: str) -> bytes:
    shown = await open_arguments(
        place.reader, ledger, keys.load_public(place.public), load_keks(place.key.parent),
        rid=rid, by="audra",
    )  # fmt: skip
    return shown.arguments


async def erased(place: Place, ledger: Ledger, name: str) -> int:
    person = await found(place, name)
    number = await propose(ledger, "erase", person.scope(), "paula")
    return await erase.erase(where(place, ledger), person, proposal=number, by="otto")


async def test_L18_an_erased_persons_payload_is_unreadable_and_every_proof_holds(
    place: Place,
) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "a-1", {"text": CANARY})
        await calls.of("ben", "b-1", {"text": "stays"})
        before = await checked(place)
        worm = await place.rows(
            "SELECT body FROM audit.record UNION ALL SELECT ct FROM audit.payload"
        )
        person = await found(place, "ana")
        assert (person.keys, person.payloads, person.records) == (1, 1, 2)
        assert await erased(place, ledger, "ana") == 1
        with pytest.raises(ErasedError):
            await opened(place, ledger, "a-1")
        assert b"stays" in await opened(place, ledger, "b-1")
        after = await checked(place)
    assert before.sound
    assert after.sound, after.findings
    assert after.records > before.records
    copies = b"".join(row["body"] for row in worm)
    assert CANARY.encode() not in copies
    rows = await place.rows("SELECT body FROM audit.record WHERE kind = 'event'")
    events = [orjson.loads(row["body"]) for row in rows]
    told = [one["reason"] for one in events if str(one["reason"]).startswith(("erase", "person"))]
    assert told == ["erase_proposed", "erase_approved", "person_erased"]
    assert "ana" not in str(
        [one.get("detail") for one in events if one["reason"] == "person_erased"]
    )


async def test_nobody_erases_alone(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "a-1", {"text": CANARY})
        await calls.of("ben", "b-1", {"text": CANARY})
        ana, ben = await found(place, "ana"), await found(place, "ben")
        number = await propose(ledger, "erase", ana.scope(), "paula")
        for person, proposal, by, why in (
            (ana, number, "paula", "somebody else"),
            (ben, number, "otto", "something else"),
            (ana, "0" * 12, "otto", "no proposal"),
        ):
            with pytest.raises(NotApprovedError, match=why):
                await erase.erase(where(place, ledger), person, proposal=proposal, by=by)
        assert CANARY.encode() in await opened(place, ledger, "a-1")
        await erase.erase(where(place, ledger), ana, proposal=number, by="otto")
        with pytest.raises(NotApprovedError, match="approved before"):
            await erase.erase(where(place, ledger), ana, proposal=number, by="otto")


async def test_a_proposal_that_the_databases_owner_made_up_proposes_nothing(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "a-1", {"text": CANARY})
        person = await found(place, "ana")
        number = await propose(ledger, "erase", person.scope(), "otto")
        await place.sql(
            "UPDATE audit.record SET body = convert_to(replace(convert_from(body, 'UTF8'), "
            "'\"by\":\"otto\"', '\"by\":\"paul\"'), 'UTF8') WHERE reason = 'erase_proposed'"
        )
        with pytest.raises(NotApprovedError, match="not what was signed"):
            await erase.erase(where(place, ledger), person, proposal=number, by="otto")


async def test_a_proposal_is_good_for_a_week(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "a-1", {"text": CANARY})
        person = await found(place, "ana")
        number = await propose(ledger, "erase", person.scope(), "paula")
        monkeypatch.setattr(two_names, "GOOD_FOR", two_names.GOOD_FOR * 0)
        with pytest.raises(NotApprovedError, match="no proposal"):
            await erase.erase(where(place, ledger), person, proposal=number, by="otto")


async def test_who_is_meant_is_never_guessed(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "a-1", {})
        again: dict[str, Any] = {"person": "ana", "iss": "https://id.example", "sub": "other"}
        await ledger.append("event", again)
        with pytest.raises(NobodyError, match="nobody"):
            await found(place, "nina")
        with pytest.raises(NobodyError, match="other, sub-ana"):
            await found(place, "ana")
        assert (await found(place, "sub-ana", by_subject=True)).keys == 1
        assert (await found(place, "other", by_subject=True)).keys == 0


async def test_calls_go_on_while_a_person_is_erased(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        await calls.many("ana", 5)
        await asyncio.gather(erased(place, ledger, "ana"), calls.many("ben", 40))
        await calls.many("ana", 5, first=5)
        assert b"39" in await opened(place, ledger, "ben-39")
        # this process still had her key of today: it is not brought back, these are lost at birth
        with pytest.raises(ErasedError):
            await opened(place, ledger, "ana-9")
    assert (await checked(place)).sound


async def test_what_was_erased_is_noted_beside_the_keys_without_a_name(place: Place) -> None:
    async with calling(place) as (ledger, calls):
        await calls.of("ana", "a-1", {"text": CANARY})
        person = await found(place, "ana")
        copied = await place.rows("SELECT * FROM audit.subject_key")
        await erased(place, ledger, "ana")
        file = place.key.parent / erase.ERASED_NAME
        assert file.stat().st_mode & 0o777 == 0o600
        assert "ana" not in file.read_text()
        [(subject, _)] = erase.noted(place.key.parent)
        assert subject == person.pseudonyms[0]
        # an old backup brings the key back; applying the notes takes it again
        connection = await asyncpg.connect(place.admin)
        await connection.executemany(
            "INSERT INTO audit.subject_key VALUES ($1, $2, $3, $4, $5, $6)",
            [tuple(row.values()) for row in copied],
        )
        await connection.close()
        assert CANARY.encode() in await opened(place, ledger, "a-1")
        assert await erase.destroy(place.admin, erase.noted(place.key.parent)) == 1
        with pytest.raises(ErasedError):
            await opened(place, ledger, "a-1")
