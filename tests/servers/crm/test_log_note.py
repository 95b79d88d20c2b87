import asyncio
from typing import Any

import asyncpg
import pytest
from servers.crm.office import BEN, CHO, Office, given, open_office, refused, text
from servers.crm.wire import Fault, answer

NOTE: dict[str, Any] = {"account": "11", "text": "Wants a quote.", "idempotency_key": "note-0001"}
POST = "POST /crm/objects/2026-09/notes "


async def test_a_note_is_filed_under_account_and_deal_by_its_author(office: Office) -> None:
    deal = await office.deal()
    logged = given(await office.call("log_note", **NOTE, deal_id=deal))
    [note] = await office.notes("Wants a quote.")
    assert note["id"] == logged["note_id"]
    assert note["properties"]["hubspot_owner_id"] == "120000401"
    assert "Logged by Ben Okafor" in note["properties"]["hs_note_body"]
    assert note["associations"]["deals"]["results"][0]["id"] == deal
    assert note["associations"]["companies"]["results"]
    assert logged["account_number"] == "11"


async def test_a_note_cannot_carry_markup(office: Office) -> None:
    words = "<img src=x onerror=alert(1)>\n<b>Bold</b> & \u202eright"
    given(await office.call("log_note", **{**NOTE, "text": words}))
    [note] = await office.notes("onerror")
    assert "<img" not in note["properties"]["hs_note_body"]
    assert "&lt;b&gt;" in note["properties"]["hs_note_body"]
    read = given(await office.call("get_account", account="11"))
    assert read["last_notes"][0]["text"].startswith(
        "<img src=x onerror=alert(1)>\n<b>Bold</b> & right"
    )


async def test_the_same_key_and_request_give_the_same_note_again(office: Office) -> None:
    answers = [given(await office.call("log_note", **NOTE)) for _ in range(3)]
    assert [one.pop("made_before") for one in answers] == [False, True, True]
    assert answers[0] == answers[1] == answers[2]
    assert len(await office.notes("Wants a quote.")) == 1
    assert office.wire.count(POST) == 1


async def test_the_same_key_for_another_request_is_a_conflict(office: Office) -> None:
    given(await office.call("log_note", **NOTE))
    for change in ({"text": "Something else."}, {"account": "2"}):
        refused(await office.call("log_note", **{**NOTE, **change}), "conflict")
    assert office.wire.count(POST) == 1


async def test_two_people_may_use_the_same_key(office: Office) -> None:
    first = given(await office.call("log_note", who=BEN, **NOTE))
    second = given(await office.call("log_note", who=CHO, **NOTE))
    assert first["note_id"] != second["note_id"]
    assert second["logged_by"] == "Cho Min-ji"


async def test_a_refused_request_does_not_use_up_its_key(office: Office) -> None:
    refused(await office.call("log_note", **{**NOTE, "account": "99999"}), "not_found")
    given(await office.call("log_note", **NOTE))


async def test_ten_at_once_with_one_key_make_one_note(office: Office) -> None:
    results = await office.calls(*[("log_note", NOTE)] * 10)
    ids = {given(one)["note_id"] for one in results if not one.is_error}
    for one in results:
        if one.is_error:
            assert "same idempotency_key" in refused(one, "unavailable")
    assert len(ids) == 1
    assert len(await office.notes("Wants a quote.")) == 1


async def test_an_answer_lost_after_the_note_landed_makes_one_note(office: Office) -> None:
    office.wire.faults.append(Fault(POST, "lose answer"))
    first = given(await office.call("log_note", **NOTE))
    assert not first["made_before"]
    assert given(await office.call("log_note", **NOTE)) == {**first, "made_before": True}
    [note] = await office.notes("Wants a quote.")
    assert note["id"] == first["note_id"]
    assert office.wire.count(POST) == 1


async def test_a_write_whose_outcome_cannot_be_seen_is_settled_by_the_next_attempt(
    office: Office,
) -> None:
    office.wire.faults.append(Fault(POST, "lose answer"))
    looking = Fault("idProperty=mcp_request_id", "cut", times=99)
    office.wire.faults.append(looking)
    said = refused(await office.call("log_note", **NOTE), "unavailable")
    assert "same idempotency_key" in said
    looking.times = 0
    logged = given(await office.call("log_note", **NOTE))
    [note] = await office.notes("Wants a quote.")
    assert note["id"] == logged["note_id"]
    assert office.wire.count(POST) == 1


async def test_a_write_that_was_lost_on_its_way_is_made_by_the_next_attempt(office: Office) -> None:
    office.wire.faults.append(Fault(POST, "cut"))
    refused(await office.call("log_note", **NOTE), "unavailable")
    assert await office.notes("Wants a quote.") == []
    given(await office.call("log_note", **NOTE))
    assert len(await office.notes("Wants a quote.")) == 1
    assert office.wire.count(POST) == 2


async def test_a_write_that_is_late_beyond_the_deadline_is_not_sent_again_blindly(
    account: str,
) -> None:
    async with open_office(account, deadline_seconds=2.5) as office:
        office.wire.faults.append(Fault(POST, "hold"))
        refused(await office.call("log_note", **NOTE), "unavailable")
        assert office.wire.count(POST) == 1
        assert office.wire.count("idProperty=mcp_request_id") == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_write_is_never_retried_in_one_call(office: Office, status: int) -> None:
    office.wire.faults.append(Fault(POST, "answer", times=9, answer=answer(status)))
    refused(await office.call("log_note", **NOTE), "unavailable")
    assert office.wire.count(POST) == 1
    office.wire.faults.clear()
    given(await office.call("log_note", **NOTE))
    assert len(await office.notes("Wants a quote.")) == 1


async def test_a_deal_of_another_account_is_refused(office: Office) -> None:
    deal = await office.deal(account="2")
    refused(await office.call("log_note", who=CHO, **NOTE, deal_id=deal), "invalid")
    refused(await office.call("log_note", **NOTE, deal_id=deal), "not_found")
    refused(await office.call("log_note", **NOTE, deal_id="5"), "not_found")
    assert office.wire.count(POST) == 0


async def test_what_the_schema_forbids_is_refused_before_anything_happens(office: Office) -> None:
    for change in ({"text": "x" * 4001}, {"text": ""}, {"idempotency_key": "short"}, {"idempotency_key": "a b c d e f"},
                   {"deal_id": "../1"}, {"deal_id": ["1"]}, {"owner_id": "1"}, {"hubspot_owner_id": "1"}):  # fmt: skip
        assert (await office.call("log_note", **{**NOTE, **change})).is_error
    assert office.wire.lines == []


async def test_without_the_outbox_nothing_is_written(office: Office) -> None:
    nowhere = office.settings.database_url.rpartition("@")[0] + "@127.0.0.1:1/none"
    office.settings = office.settings.model_copy(update={"database_url": nowhere})
    said = refused(await office.call("log_note", **NOTE), "unavailable")
    assert "none was made" in said
    assert office.wire.lines == []
    assert given(await office.call("get_account", account="11"))


async def test_the_outbox_keeps_no_text_that_people_wrote(office: Office) -> None:
    given(await office.call("log_note", **NOTE))
    db = await asyncpg.connect(office.database)
    kept = await db.fetchrow("SELECT w::text FROM outbox.write w")
    await db.close()
    assert kept
    assert "done" in kept[0]
    assert "quote" not in kept[0]


async def test_a_caller_who_leaves_does_not_lock_the_key_for_good(account: str) -> None:
    async with open_office(account, deadline_seconds=3.5) as office:
        office.wire.faults.append(Fault(POST, "hold"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await office.call("log_note", **NOTE)
        results = []
        for _ in range(40):  # the lease is the deadline and two seconds
            results.append(await office.call("log_note", **NOTE))
            if not results[-1].is_error:
                break
            assert "same idempotency_key" in text(results[-1])
            await asyncio.sleep(0.3)
        given(results[-1])
        assert len(await office.notes("Wants a quote.")) == 1
