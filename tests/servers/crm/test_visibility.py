"""A person reads and writes their own and their team's records; the rest is not there for them."""

import dataclasses
from typing import Any

import asyncpg
import pytest
from sandbox.crm.account import V, made
from servers.crm.office import ANA, BEN, CHO, HARU, Office, given, open_office, refused, text
from servers.crm.wire import Fault, answer

from mcp_shared.identity import Caller

EUROPE, ASIA = "120000401", "120000301"  # Ben's and Haru's numbers among the owners
STRANGER = Caller("sub-x", "x", "X", frozenset({"contractor"}), frozenset(), "t")
NEWCOMER = Caller("sub-new", "new", "New", frozenset({"sales"}), frozenset(), "t")


async def account_id(office: Office, number: str) -> str:
    url = f"/crm/objects/{V}/companies/{number}?idProperty=account_number"
    return str((await office.crm.get(url)).json()["id"])


async def test_sales_sees_the_team_s_accounts_and_support_and_analysts_see_all(
    office: Office,
) -> None:
    for who, numbers in (
        (BEN, {"11"}),
        (HARU, set()),
        (CHO, {"1", "2", "11"}),
        (ANA, {"1", "2", "11"}),
    ):
        found = given(await office.call("list_deals", who=who, status="any", limit=50))
        assert {one["account_number"] for one in found["deals"]} == numbers
        assert found["total"] == len(found["deals"])


async def test_a_deal_of_a_colleague_in_the_team_is_the_team_s(office: Office) -> None:
    company = await account_id(office, "11")
    await office.crm.patch(
        f"/crm/objects/{V}/companies/{company}",
        json={"properties": {"hubspot_owner_id": "120000403"}},
    )
    assert given(await office.call("get_account", account="11"))["owner"]["name"] == "Tomáš Dvořák"


@pytest.mark.parametrize(
    ("tool", "hidden", "absent"),
    [
        ("get_account", {"account": "1"}, {"account": "99999"}),
        ("list_deals", {"account": "1"}, {"account": "99999"}),
        ("find_contacts", {"text": "customer-000000001"}, {"text": "customer-000009999"}),
        ("log_note", {"account": "1", "text": "x", "idempotency_key": "hidden-0001"},
         {"account": "99999", "text": "x", "idempotency_key": "absent-0001"}),
    ],
)  # fmt: skip
async def test_what_is_hidden_reads_and_costs_like_what_is_not_there(
    office: Office, tool: str, hidden: dict[str, Any], absent: dict[str, Any]
) -> None:
    said, lines = [], []
    for arguments in (hidden, absent):
        office.wire.lines.clear()
        said.append((await office.call(tool, **arguments)).model_dump())
        lines.append([line.partition(" ")[0] for line in office.wire.lines])
    assert said[0] == said[1]
    assert lines[0] == lines[1]
    assert said[0]["is_error"]


async def test_a_hidden_deal_cannot_be_moved_nor_a_note_filed_under_it(office: Office) -> None:
    deal = await office.deal(account="1")
    move: dict[str, Any] = {"stage": "Contract sent", "idempotency_key": "hidden-0002"}
    hidden = await office.call("update_deal_stage", deal_id=deal, **move)
    absent = await office.call("update_deal_stage", deal_id="9", **move)
    assert refused(hidden, "not_found") == refused(absent, "not_found")
    assert await office.stage(deal) == "appointmentscheduled"
    note: dict[str, Any] = {
        "account": "11",
        "text": "x",
        "idempotency_key": "hidden-0003",
        "deal_id": deal,
    }
    refused(await office.call("log_note", **note), "not_found")
    assert not any(
        line.startswith(("PATCH", "POST /crm/objects/2026-09/notes ")) for line in office.wire.lines
    )


async def test_deals_and_people_of_other_teams_at_a_shared_account_leave_no_trace(
    office: Office,
) -> None:
    company = await account_id(office, "11")
    before = given(await office.call("get_account", account="11"))
    for _ in range(12):
        deal = await made(
            office.crm,
            "deals",
            dealname="Elsewhere",
            dealstage="contractsent",
            hubspot_owner_id=ASIA,
        )
        await office.crm.put(
            f"/crm/objects/{V}/deals/{deal}/associations/default/companies/{company}"
        )
        person = await made(office.crm, "contacts", lastname="Elsewhere", hubspot_owner_id=ASIA)
        await office.crm.put(
            f"/crm/objects/{V}/contacts/{person}/associations/default/companies/{company}"
        )
    assert given(await office.call("get_account", account="11")) == before
    assert given(await office.call("get_account", who=ANA, account="11"))["truncated"]
    mine = given(await office.call("list_deals", account="11", status="any"))
    assert not any("Elsewhere" in one["name"] for one in mine["deals"])
    refused(await office.call("find_contacts", text="Elsewhere"), "not_found")


async def test_an_own_deal_at_a_hidden_account_does_not_name_that_account(office: Office) -> None:
    company = await account_id(office, "1")
    deal = await made(
        office.crm, "deals", dealname="Mine", dealstage="contractsent", hubspot_owner_id=EUROPE
    )
    await office.crm.put(f"/crm/objects/{V}/deals/{deal}/associations/default/companies/{company}")
    found = given(await office.call("list_deals", status="any", owner="me", limit=50))
    [mine] = [one for one in found["deals"] if one["id"] == deal]
    assert (mine["account_name"], mine["account_number"]) == (None, None)


async def test_another_team_s_salesperson_as_owner_finds_nothing(office: Office) -> None:
    everything = given(await office.call("list_deals", who=ANA, status="any"))
    other = next(one["owner"] for one in everything["deals"] if one["account_number"] == "1")
    none = given(await office.call("list_deals", status="any", owner=other))
    assert (none["deals"], none["total"]) == ([], 0)


@pytest.mark.parametrize("who", [STRANGER, NEWCOMER], ids=["no role of the policy", "owns nothing"])
async def test_who_reaches_nothing_finds_nothing_and_the_crm_is_not_searched(
    office: Office, who: Caller
) -> None:
    refused(await office.call("find_contacts", who=who, text="customer"), "not_found")
    refused(await office.call("get_account", who=who, account="11"), "not_found")
    assert given(await office.call("list_deals", who=who, status="any"))["total"] == 0
    assert office.wire.count("/search") == 0


async def test_a_user_name_that_only_some_foldings_make_an_owner_s_is_nobody_s(
    office: Office,
) -> None:
    db = await asyncpg.connect(office.database)
    await db.execute(
        "UPDATE crm.owner SET email = 'sue@larkfield.example' WHERE email = 'ben@larkfield.example'"
    )
    await db.close()
    for name, reached in (("Sue", True), ("\u017fue", False)):
        who = dataclasses.replace(BEN, subject=f"sub-{name}", username=name)
        answered = await office.call("get_account", who=who, account="11")
        assert answered.is_error is not reached


async def test_two_owners_with_a_person_s_name_are_nobody(office: Office) -> None:
    db = await asyncpg.connect(office.database)
    await db.execute(
        "INSERT INTO crm.owner SELECT id + 9, 'ben@partner.example', first_name, last_name, team,"
        " created_at FROM crm.owner WHERE email = 'ben@larkfield.example'"
    )
    await db.close()
    refused(await office.call("get_account", account="11"), "not_found")


async def test_what_the_crm_answers_beyond_the_question_is_left_out(office: Office) -> None:
    """The filter is the CRM's to keep; a record that comes all the same goes no further."""
    foreign = b'{"id":"7","properties":{"dealname":"Foreign","hubspot_owner_id":"120000301"}}'
    body = b'{"total":1,"results":[%s]}' % foreign
    office.wire.faults.append(Fault("/search", "answer", times=9, answer=answer(200, body)))
    asked: dict[str, dict[str, Any]] = {
        "list_deals": {"status": "any"},
        "find_contacts": {"text": "foreign"},
        "get_account": {"account": "foreign"},
    }
    for tool, arguments in asked.items():
        assert "Foreign" not in text(await office.call(tool, **arguments))


async def test_a_phone_number_is_masked_for_who_does_not_call_and_cannot_be_guessed(
    office: Office,
) -> None:
    shown = await office.call("find_contacts", who=CHO, text="customer-000000011")
    phone = given(shown)["contacts"][0]["phone"]
    asked: dict[str, dict[str, Any]] = {
        "find_contacts": {"text": "customer-000000011"},
        "get_account": {"account": "11"},
    }
    for tool, arguments in asked.items():
        masked = await office.call(tool, who=ANA, **arguments)
        assert phone not in masked.model_dump_json()
        assert "Masked for the person's role: contacts[*].phone." in text(masked)
        assert given(masked)["contacts"][0]["phone"] == "(masked)"
    for digits in (phone, phone.split("-")[1], phone[:2]):
        refused(await office.call("find_contacts", who=ANA, text=digits), "not_found")


async def test_revenue_is_for_sales_and_analysts(office: Office) -> None:
    assert given(await office.call("get_account", account="11"))["account"]["annual_revenue"]
    masked = await office.call("get_account", who=CHO, account="11")
    assert given(masked)["account"]["annual_revenue"] is None
    assert "account.annual_revenue" in text(masked)


async def test_text_from_people_is_named_in_meta(office: Office) -> None:
    result = await office.call("get_account", account="11")
    written = (result.meta or {})["dev.mcp-in-production/untrusted"]
    assert {"$.last_notes[*].text", "$.account.name", "$.open_deals[*].name"} <= set(written)


async def test_an_account_with_more_links_than_one_page_shows_its_newest_notes(
    account: str,
) -> None:
    db = await asyncpg.connect(account)
    await db.execute(
        """
        WITH company AS (SELECT id FROM crm.object WHERE properties ->> 'account_number' = '11'),
        note AS (
            INSERT INTO crm.object (id, type, properties, created_at, updated_at)
            SELECT nextval('crm.object_id'), 'notes', jsonb_build_object('hs_note_body', 'note ' || n,
                'hs_timestamp', '2030-01-01T00:00:00.000Z'), now(), now()
            FROM generate_series(1, 1100) n ORDER BY n RETURNING id
        )
        INSERT INTO crm.association (from_type, from_id, to_type, to_id, type_id)
        SELECT 'companies', company.id, 'notes', note.id, 189 FROM company, note
        """
    )
    last = await db.fetchval("SELECT max(id) FROM crm.object WHERE type = 'notes'")
    await db.close()
    async with open_office(account) as office:
        found = given(await office.call("get_account", account="11"))
        assert found["last_notes"][0]["id"] == str(last)
        assert found["truncated"]
        assert office.wire.count("/companies/notes/batch/read") == 2
