from typing import Any

import asyncpg
import httpx2
import pytest
from sandbox.crm.account import V, made, opened, searched, where


def names(found: Any, name: str = "dealname") -> list[str]:
    return [one["properties"][name] for one in found["results"]]


async def test_groups_are_alternatives_and_filters_in_one_hold_together(
    crm: httpx2.AsyncClient,
) -> None:
    for name, amount in (("Alpha", 1), ("Beta", 2), ("Gamma", 2)):
        await made(crm, "deals", dealname=name, amount=amount, description="mine")
    mine = {"propertyName": "description", "operator": "EQ", "value": "mine"}
    found = await searched(
        crm,
        "deals",
        filterGroups=[
            {"filters": [mine, {"propertyName": "amount", "operator": "EQ", "value": "1"}]},
            {"filters": [mine, {"propertyName": "dealname", "operator": "EQ", "value": "gamma"}]},
        ],
        sorts=[{"propertyName": "dealname", "direction": "DESCENDING"}],
        properties=["dealname"],
    )
    assert names(found) == ["Gamma", "Alpha"]
    assert found["total"] == 2


async def test_query_matches_beginnings_of_words_in_any_searched_property(
    crm: httpx2.AsyncClient,
) -> None:
    await made(crm, "contacts", firstname="Zöe", lastname="Quill", email="zq@acme.example")
    for query, total in (("zöe", 1), ("QUI zq", 1), ("uill", 0), ("zöe nobody", 0), ("q*ll", 0)):
        assert (await searched(crm, "contacts", query=query))["total"] == total, query


async def test_tokens_take_wild_cards_and_no_other_syntax(crm: httpx2.AsyncClient) -> None:
    await made(crm, "companies", name="Wrench & Sons (Leeds)", domain="wrench.example")
    for value, expected in (
        ("wrench", 1), ("wren", 0), ("wren*", 1), ("*ench leeds", 1), ("sons leeds wrench", 1),
        (".*", 1), ("(", 0), ("wrench|nobody", 0), ("[a-z]*", 0), ("'; drop table crm.object; --", 0),
    ):  # fmt: skip
        filters = where(
            {"propertyName": "name", "operator": "CONTAINS_TOKEN", "value": value},
            {"propertyName": "domain", "operator": "EQ", "value": "wrench.example"},
        )
        found = await searched(crm, "companies", filterGroups=filters)
        assert found["total"] == expected, value


async def test_pages_follow_each_other_and_end(crm: httpx2.AsyncClient) -> None:
    for n in range(5):
        await made(crm, "tasks", hs_task_subject=f"t{n}", hs_timestamp=str(n))
    seen: list[str] = []
    document: dict[str, Any] = {
        "limit": 2,
        "sorts": [{"propertyName": "hs_timestamp"}],
        "properties": ["hs_task_subject"],
    }
    while True:
        page = await searched(crm, "tasks", **document)
        seen += names(page, "hs_task_subject")
        if "paging" not in page:
            break
        document["after"] = page["paging"]["next"]["after"]
    assert seen == ["t0", "t1", "t2", "t3", "t4"]
    assert page["total"] == 5


def groups(counts: list[int]) -> list[Any]:
    one = {"propertyName": "amount", "operator": "HAS_PROPERTY"}
    return [{"filters": [one] * count} for count in counts]


@pytest.mark.parametrize(
    "document",
    [
        {"filterGroups": groups([1] * 6)},
        {"filterGroups": groups([7])},
        {"filterGroups": groups([6, 6, 6, 1])},
        {"limit": 201},
        {"limit": -1},
        {"limit": 100, "after": "9901"},
        {"after": "abc"},
        {"after": "-1"},
        {"query": "x" * 3001},
        {"query": "a\x00b"},
        {"sorts": [{"propertyName": "amount"}, {"propertyName": "dealname"}]},
        {"sorts": [{"propertyName": "amount; drop table x"}]},
        {"filterGroups": where({"propertyName": "colour", "operator": "EQ", "value": "x"})},
        {"filterGroups": where({"propertyName": "amount", "operator": "LIKE", "value": "x"})},
        {"filterGroups": where({"propertyName": "amount", "operator": "GT", "value": "x"})},
        {"filterGroups": where({"propertyName": "amount", "operator": "BETWEEN", "value": "1"})},
        {"filterGroups": where({"propertyName": "amount", "operator": "IN"})},
        {"filterGroups": where({"propertyName": "amount", "operator": "EQ"})},
        {"filterGroups": where({"propertyName": "dealname", "operator": "LT", "value": "x"})},
        {"filterGroups": where({"propertyName": "associations.company", "operator": "EQ", "value": "x"})},
        {"filterGroups": "all"},
    ],
)  # fmt: skip
async def test_a_search_outside_the_limits_is_refused(
    crm: httpx2.AsyncClient, document: dict[str, Any]
) -> None:
    answer = await crm.post(f"/crm/objects/{V}/deals/search", json=document)
    assert answer.status_code == 400, answer.text
    assert answer.json()["category"] == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    "document",
    [
        {"filterGroups": groups([6, 6, 6])},
        {"filterGroups": groups([1] * 5)},
        {"limit": 200, "after": "9800"},
    ],
)
async def test_a_search_at_the_limits_is_answered(
    crm: httpx2.AsyncClient, document: dict[str, Any]
) -> None:
    await searched(crm, "deals", **document)


async def test_objects_are_found_by_what_they_belong_to(crm: httpx2.AsyncClient) -> None:
    company = (
        await crm.get(f"/crm/objects/{V}/companies/11?idProperty=account_number&associations=deals")
    ).json()
    mine = {one["id"] for one in company["associations"]["deals"]["results"]}
    found = await searched(
        crm,
        "deals",
        filterGroups=where(
            {"propertyName": "associations.company", "operator": "EQ", "value": company["id"]}
        ),
    )
    assert {one["id"] for one in found["results"]} == mine


async def test_search_lags_behind_the_records_and_catches_up(account: str) -> None:
    """The real index is eventually consistent; a client that reads its writes by search is wrong."""
    mine = where({"propertyName": "mcp_request_id", "operator": "IN", "values": ["r-8", "r-9"]})
    async with opened(account) as prompt:
        note = await made(
            prompt, "notes", hs_timestamp="0", hs_note_body="old", mcp_request_id="r-8"
        )
        assert (await searched(prompt, "notes", filterGroups=mine))["total"] == 1
    async with opened(account, search_lag_seconds=600) as crm:
        url = f"/crm/objects/{V}/notes/{note}"
        await crm.patch(url, json={"properties": {"hs_note_body": "new"}})
        second = await made(crm, "notes", hs_timestamp="1", hs_note_body="x", mcp_request_id="r-9")
        found = await searched(crm, "notes", filterGroups=mine, properties=["hs_note_body"])
        assert names(found, "hs_note_body") == ["old"]
        assert (await crm.get(f"/crm/objects/{V}/notes/{second}")).status_code == 200
        await crm.delete(f"/crm/objects/{V}/notes/{second}")
        db = await asyncpg.connect(account)
        await db.execute("UPDATE crm.object SET index_due = now() WHERE index_due IS NOT NULL")
        await db.close()
        found = await searched(crm, "notes", filterGroups=mine, properties=["hs_note_body"])
        assert names(found, "hs_note_body") == ["new"]
