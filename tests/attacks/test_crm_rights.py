"""C01, C04: somebody else's records by their ids, and fields that are no arguments."""

import json
from typing import Any

import asyncpg
import pytest
from sandbox.crm.account import V
from servers.crm.conftest import account, loaded
from servers.crm.counter import Counter, counter, crm_people

__all__ = ["account", "counter", "crm_people", "loaded"]

CALLS: dict[str, dict[str, Any]] = {
    "find_contacts": {"text": "customer"},
    "get_account": {"account": "11"},
    "list_deals": {},
    "log_note": {"account": "11", "text": "A note.", "idempotency_key": "extra-0001"},
    "update_deal_stage": {"stage": "Contract sent", "idempotency_key": "extra-0002"},
}
EXTRA: dict[str, Any] = {
    "owner_id": "120000101", "hubspot_owner_id": "120000101", "role": "analyst", "roles": ["analyst"],
    "subject": "sub-other", "team": "Africa", "__proto__": {"admin": True}, "constructor": {"prototype": {}},
    "properties": {"hubspot_owner_id": "1"}, "associations": [], "archived": True, "mcp_request_id": "x",
    "filterGroups": [], "after": "0", "admin": True, "": "x",
}  # fmt: skip


async def ids_of(counter: Counter, number: str) -> dict[str, str]:
    """An account's record id, a deal of it, and how it is called otherwise."""
    url = f"/crm/objects/{V}/companies/{number}?idProperty=account_number"
    found = (await counter.office.crm.get(f"{url}&properties=name,domain")).json()
    deal = await counter.office.deal(account=number)
    return {
        "number": number, "id": found["id"], "deal": deal, "name": found["properties"]["name"],
        "domain": found["properties"]["domain"],
    }  # fmt: skip


def spellings(one: str) -> list[Any]:
    """An id as attackers write it."""
    return [
        one, f" {one} ", f"0{one}", f"+{one}", f"{one}.0", f"{one}\n", f"{one}&id={one}", f"id={one}&id=1", f"{one},1",
        f"{one}/", f"./{one}", [one], [one, "1"], {"id": one}, int(one), float(one), f"{int(one):#x}", f"{one}%00",
        "".join(chr(0x0660 + int(digit)) for digit in one), f'"{one}"',
    ]  # fmt: skip


@pytest.mark.parametrize(("person", "own", "other"), [("ben", "11", "1"), ("amara", "1", "11")])
async def test_c01_another_team_s_records_are_not_there_under_any_spelling_of_their_ids(
    counter: Counter, person: str, own: str, other: str
) -> None:
    theirs = await ids_of(counter, other)
    async with counter.open(person) as client:
        mine = await client.call_tool("get_account", {"account": own})
        assert not mine.is_error
        absent = (await client.call_tool("get_account", {"account": "98765"})).model_dump_json()
        for way in (
            *spellings(theirs["number"]),
            *spellings(theirs["id"]),
            theirs["name"],
            theirs["domain"],
        ):
            result = await client.call_tool("get_account", {"account": way})
            assert result.is_error
            said = result.model_dump_json()
            assert theirs["name"] not in said
            assert theirs["domain"] not in said
            if isinstance(way, str):
                assert said == absent, way
        no_deal = await client.call_tool(
            "update_deal_stage",
            {"deal_id": "98765", "stage": "Closed won", "idempotency_key": "idor-0001"},
        )
        for number, way in enumerate(spellings(theirs["deal"])):
            move = {"deal_id": way, "stage": "Closed won", "idempotency_key": f"idor-1{number:03}"}
            result = await client.call_tool("update_deal_stage", move)
            assert result.is_error
            if way == theirs["deal"]:
                assert result == no_deal
            note = {
                "account": own,
                "text": "x",
                "idempotency_key": f"idor-2{number:03}",
                "deal_id": way,
            }
            assert (await client.call_tool("log_note", note)).is_error
        listed = await client.call_tool("list_deals", {"status": "any", "limit": 50})
        assert theirs["name"] not in listed.model_dump_json()
        found = await client.call_tool(
            "find_contacts", {"text": theirs["domain"].partition(".")[0]}
        )
        assert found.is_error
    assert await counter.office.stage(theirs["deal"]) == "appointmentscheduled"
    assert await counter.office.notes("x") == [] or not any(
        line.startswith("POST /crm/objects/2026-09/notes ") for line in counter.office.wire.lines
    )


async def test_c01_a_neighbour_s_ids_in_a_row_open_nothing(counter: Counter) -> None:
    """Record ids are counted up: from one's own, everyone else's are known."""
    theirs = await ids_of(counter, "1")
    async with counter.open("ben") as client:
        for number in range(int(theirs["id"]) - 12, int(theirs["id"]) + 13):
            result = await client.call_tool("get_account", {"account": str(number)})
            assert (
                result.is_error
                or (result.structured_content or {})["account"]["region"] == "EUROPE"
            )


@pytest.mark.parametrize("tool", CALLS)
async def test_c04_a_field_that_is_no_argument_is_refused_and_nothing_is_sent(
    counter: Counter, tool: str
) -> None:
    arguments = dict(CALLS[tool])
    if tool == "update_deal_stage":
        arguments["deal_id"] = await counter.office.deal()
    async with counter.open("ben") as client:
        for name, value in EXTRA.items():
            result = await client.call_tool(tool, {**arguments, name: value})
            assert result.is_error, name
        assert counter.office.wire.lines == []
        assert not (await client.call_tool(tool, arguments)).is_error


async def test_c04_what_is_written_has_the_server_s_fields_and_no_others(counter: Counter) -> None:
    """Text that looks like fields stays text."""
    text = 'x", "hubspot_owner_id": "120000101", "y": "'
    note = {**CALLS["log_note"], "text": text}
    assert not (await counter.call("ben", "log_note", note)).is_error
    [(_, body)] = [
        one
        for one in counter.office.wire.bodies
        if one[0].startswith("POST /crm/objects/2026-09/notes ")
    ]
    sent = json.loads(body)
    assert set(sent) == {"properties", "associations"}
    assert set(sent["properties"]) == {
        "hs_note_body",
        "hs_timestamp",
        "mcp_request_id",
        "hubspot_owner_id",
    }
    db = await asyncpg.connect(counter.office.database)
    kept = await db.fetchval(
        "SELECT properties ->> 'hubspot_owner_id' FROM crm.object"
        " WHERE properties ->> 'mcp_request_id' IS NOT NULL"
    )
    await db.close()
    assert kept == "120000401"
    deal = await counter.office.deal()
    move = {**CALLS["update_deal_stage"], "deal_id": deal}
    assert not (await counter.call("ben", "update_deal_stage", move)).is_error
    [(_, body)] = [one for one in counter.office.wire.bodies if one[0].startswith("PATCH ")]
    assert json.loads(body) == {"properties": {"dealstage": "contractsent"}}
