"""C06, C08, C10: pages nobody should get, questions with another language in them, and calls made twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers.crm.conftest import account, loaded
from servers.crm.counter import Counter, counter, crm_people
from servers.crm.office import BEN, Office, open_office
from servers.crm.wire import Fault

from mcp_shared.cursors import Cursors

__all__ = ["account", "counter", "crm_people", "loaded"]

POST = "POST /crm/objects/2026-09/notes "


@pytest_asyncio.fixture
async def office(account: str) -> AsyncIterator[Office]:
    async with open_office(account) as made:
        yield made


def searches(wire: Any) -> list[dict[str, Any]]:
    return [json.loads(body) for line, body in wire.bodies if "/search " in line]


async def test_c06_no_page_is_larger_than_allowed_nor_reached_by_a_number(counter: Counter) -> None:
    async with counter.open("ben") as client:
        for limit in (
            10**9,
            51,
            0,
            -1,
            -(10**9),
            2**63,
            1.5,
            "50",
            "all",
            True,
            None,
            [50],
            {"max": 50},
            float("1e308"),
        ):
            for tool, arguments in (("list_deals", {}), ("find_contacts", {"text": "customer"})):
                assert (await client.call_tool(tool, {**arguments, "limit": limit})).is_error, limit
        for extra in ({"offset": 10_000}, {"after": "9999"}, {"page": 500}, {"skip": 1}):
            assert (await client.call_tool("list_deals", extra)).is_error
        assert counter.office.wire.lines == []
        assert not (await client.call_tool("list_deals", {"limit": 50})).is_error
    assert [one["limit"] for one in searches(counter.office.wire)] == [50]


async def test_c06_a_cursor_serves_the_question_person_and_tool_it_was_made_for(
    counter: Counter,
) -> None:
    for _ in range(3):
        await counter.office.deal()
        await counter.office.deal(account="1")
    question = {"status": "any", "limit": 1}
    async with counter.open("ben") as ben, counter.open("amara") as amara:
        page = await ben.call_tool("list_deals", question)
        cursor = (page.structured_content or {})["next_cursor"]
        before = len(searches(counter.office.wire))
        made_up = Cursors("a secret of somebody else").seal("s", "list_deals", {}, 9_000)
        for client, arguments in (
            (amara, {**question, "cursor": cursor}),
            (ben, {**question, "status": "open", "cursor": cursor}),
            (ben, {**question, "owner": "me", "cursor": cursor}),
            (ben, {**question, "cursor": cursor[:-1]}),
            (ben, {**question, "cursor": cursor + "A"}),
            (ben, {**question, "cursor": cursor[::-1]}),
            (ben, {**question, "cursor": "9000"}),
            (ben, {**question, "cursor": "OTAwMA"}),
            (ben, {**question, "cursor": made_up}),
            (ben, {**question, "cursor": "A" * 2001}),
        ):
            assert (await client.call_tool("list_deals", arguments)).is_error
        assert len(searches(counter.office.wire)) == before
        assert not (await ben.call_tool("list_deals", {**question, "cursor": cursor})).is_error


ALLOWED = {
    "hubspot_owner_id", "hs_is_closed", "hs_is_closed_won", "dealstage", "associations.company", "closedate", "domain",
}  # fmt: skip
HOSTILE = (
    "*", "**", "?", "%", "_", "c*", "cust?mer", '"', "'", 'customer" OR "1"="1', "customer OR nobody", "nobody AND *", "NOT nobody",
    "+customer -nobody", "customer~2", "customer^9", "email:*", "firstname:[a TO z]", "/.*/", "(customer)", "&& ||", "{!func}x",
    "name eq 'x' or 1 eq 1", "$filter=true", "contains(name,'')", '{"$ne": null}', '{"filterGroups": []}', "\\", "\u0000", ".*",
    "(^|$)", "[a-z]+", "a{1,}", "x' OR true --", "customer\u200b", "ＣＵＳＴＯＭＥＲ OR 1",
)  # fmt: skip


async def test_c08_a_question_in_another_language_finds_what_its_words_find(
    counter: Counter,
) -> None:
    async with counter.open("ben") as client:
        for words in HOSTILE:
            for tool, arguments in (
                ("find_contacts", {"text": words, "limit": 50}),
                ("get_account", {"account": words}),
                ("list_deals", {"stage": words}), ("list_deals", {"owner": words}), ("list_deals", {"account": words}),
            ):  # fmt: skip
                result = await client.call_tool(tool, arguments)
                told = json.dumps(result.structured_content or {})
                assert "Customer#000000001" not in told
                assert "Customer#000000002" not in told
                if not any(mark.isalnum() for mark in words):
                    assert result.is_error, (tool, words)
    assert_plain(counter.office, set(HOSTILE))


def assert_plain(office: Office, asked: set[str]) -> None:
    """Words of the caller are the query as a whole or one value; field and operator never."""
    for one in searches(office.wire):
        assert set(one) <= {"query", "filterGroups", "sorts", "properties", "limit", "after"}
        assert one.get("query") is None or one["query"] in asked | {word.strip() for word in asked}
        for group in one["filterGroups"]:
            assert set(group) == {"filters"}
            for each in group["filters"]:
                assert each["propertyName"] in ALLOWED
                assert each["operator"] in {"EQ", "IN", "BETWEEN"}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
async def test_c08_no_text_at_all_becomes_a_field_or_an_operator(
    office: Office, words: str
) -> None:
    office.wire.bodies.clear()
    await office.calls(
        ("find_contacts", {"text": words}),
        ("get_account", {"account": words}),
        ("list_deals", {"account": words}),
        who=BEN,
    )
    assert_plain(office, {words})


async def test_c10_a_call_made_again_after_a_time_out_writes_once(counter: Counter) -> None:
    """The CRM has the note when its connection is cut; the caller knows nothing and asks again."""
    note = {"account": "11", "text": "Made twice?", "idempotency_key": "twice-0001"}
    counter.office.wire.faults += [
        Fault(POST, "lose answer"),
        Fault("idProperty=mcp_request_id", "cut", times=9),
    ]
    first = await counter.call("ben", "log_note", note)
    assert first.is_error
    counter.office.wire.faults.clear()
    async with counter.open("ben") as one, counter.open("ben") as other:
        results = await asyncio.gather(
            *(c.call_tool("log_note", note) for c in (one, other, one, other))
        )
        last = await one.call_tool("log_note", note)
    for result in (*results, last):
        if not result.is_error:
            assert (result.structured_content or {})["made_before"]
    assert not last.is_error
    assert len(await counter.office.notes("Made twice?")) == 1
    assert sum(POST in line for line in counter.office.wire.landed) == 1


async def test_c10_another_person_s_key_is_not_theirs_to_replay(counter: Counter) -> None:
    note = {"text": "Under one key.", "idempotency_key": "shared-0001"}
    ben = await counter.call("ben", "log_note", {**note, "account": "11"})
    amara = await counter.call("amara", "log_note", {**note, "account": "1"})
    stolen = await counter.call("amara", "log_note", {**note, "account": "11"})
    first, second = ben.structured_content or {}, amara.structured_content or {}
    assert first["note_id"] != second["note_id"]
    assert not second["made_before"]
    assert stolen.is_error
    assert first["account_name"] not in stolen.model_dump_json()
    assert len(await counter.office.notes("Under one key.")) == 2
