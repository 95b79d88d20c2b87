import asyncio

import httpx2
import pytest
from sandbox.crm.account import V, made

NOTE = {"hs_note_body": "Called.", "hs_timestamp": "2026-11-01T10:00:00Z"}


async def test_an_object_is_read_as_it_was_made(crm: httpx2.AsyncClient) -> None:
    made_one = await crm.post(
        f"/crm/objects/{V}/contacts",
        json={"properties": {"email": "Ada@Acme.example", "phone": ""}},
    )
    assert made_one.status_code == 201
    read = (
        await crm.get(
            f"/crm/objects/{V}/contacts/{made_one.json()['id']}",
            params={"properties": "email,phone,nonsense"},
        )
    ).json()
    assert read["properties"]["email"] == "Ada@Acme.example"
    assert read["properties"]["phone"] is None
    assert "nonsense" not in read["properties"]
    assert read["properties"]["hs_object_id"] == read["id"]
    assert read["createdAt"].endswith("Z")
    assert not read["archived"]


async def test_a_change_merges_and_an_empty_value_clears(crm: httpx2.AsyncClient) -> None:
    one = await made(crm, "contacts", email="a@acme.example", firstname="Ada", phone="1")
    changed = await crm.patch(
        f"/crm/objects/{V}/contacts/{one}", json={"properties": {"phone": "", "jobtitle": "Buyer"}}
    )
    assert changed.status_code == 200
    properties = (
        await crm.get(f"/crm/objects/{V}/contacts/{one}?properties=firstname,phone,jobtitle")
    ).json()["properties"]
    assert (properties["firstname"], properties["phone"], properties["jobtitle"]) == (
        "Ada",
        None,
        "Buyer",
    )


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"colour": "red"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_object_id": "5"}, "READ_ONLY_VALUE"),
        ({"hs_is_closed": "true"}, "READ_ONLY_VALUE"),
        ({"amount": "much"}, "INVALID_NUMBER"),
        ({"amount": "NaN"}, "INVALID_NUMBER"),
        ({"amount": "1e9"}, "INVALID_NUMBER"),
        ({"closedate": "tomorrow"}, "INVALID_DATE"),
        ({"dealtype": "gift"}, "INVALID_OPTION"),
        ({"pipeline": "nowhere"}, "INVALID_OPTION"),
        ({"pipeline": "71004210", "dealstage": "closedwon"}, "INVALID_OPTION"),
        ({"dealname": "a\x00b"}, "INVALID_STRING"),
    ],
)
async def test_a_property_that_does_not_fit_is_refused(
    crm: httpx2.AsyncClient, properties: dict[str, str], code: str
) -> None:
    answer = await crm.post(f"/crm/objects/{V}/deals", json={"properties": properties})
    body = answer.json()
    assert answer.status_code == 400
    assert body["category"] == "VALIDATION_ERROR"
    assert code in {error["code"] for error in body["errors"]}


async def test_all_problems_of_a_write_come_at_once(crm: httpx2.AsyncClient) -> None:
    answer = await crm.post(
        f"/crm/objects/{V}/notes", json={"properties": {"colour": "red", "hs_object_id": "1"}}
    )
    codes = [error["code"] for error in answer.json()["errors"]]
    assert codes == ["PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE", "REQUIRED_PROPERTY"]


async def test_a_deal_knows_its_pipeline_and_whether_it_is_closed(crm: httpx2.AsyncClient) -> None:
    deal = await made(crm, "deals", dealname="Valves", dealstage="104003", amount=12.5)
    url = f"/crm/objects/{V}/deals/{deal}?properties=pipeline,hs_is_closed,hs_is_closed_won,amount"
    properties = (await crm.get(url)).json()["properties"]
    assert properties["pipeline"] == "71004210"
    assert (properties["hs_is_closed"], properties["hs_is_closed_won"]) == ("true", "true")
    assert properties["amount"] == "12.5"


async def test_dates_are_kept_in_one_form(crm: httpx2.AsyncClient) -> None:
    forms = ("1764547200000", "2025-12-01", "2025-12-01T01:00:00+01:00")
    deals = [await made(crm, "deals", closedate=form) for form in forms]
    kept = {
        (await crm.get(f"/crm/objects/{V}/deals/{one}")).json()["properties"]["closedate"]
        for one in deals
    }
    assert kept == {"2025-12-01T00:00:00.000Z"}


async def test_archiving_hides_and_is_idempotent(crm: httpx2.AsyncClient) -> None:
    one = await made(crm, "notes", **NOTE)
    url = f"/crm/objects/{V}/notes/{one}"
    assert [(await crm.delete(url)).status_code for _ in range(2)] == [204, 204]
    gone = await crm.get(url)
    assert gone.status_code == 404
    assert gone.json()["category"] == "OBJECT_NOT_FOUND"
    archived = (await crm.get(url, params={"archived": "true"})).json()
    assert archived["archived"]
    assert archived["archivedAt"]


@pytest.mark.parametrize(
    "path",
    [
        "contacts/0",
        "contacts/abc",
        "contacts/99999999999999999999",
        "contacts/%2e%2e%2fdeals",
        "contacts/%00",
    ],
)
async def test_an_id_that_is_none_is_not_found(crm: httpx2.AsyncClient, path: str) -> None:
    assert (await crm.get(f"/crm/objects/{V}/{path}")).status_code == 404


async def test_lists_page_through_everything_once(crm: httpx2.AsyncClient) -> None:
    expected = {
        await made(crm, "tasks", hs_task_subject=str(n), hs_timestamp="0") for n in range(7)
    }
    seen: list[str] = []
    after = "0"
    while after:
        page = (
            await crm.get(f"/crm/objects/{V}/tasks", params={"limit": 3, "after": after})
        ).json()
        seen += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert len(seen) == 7
    assert set(seen) == expected


@pytest.mark.parametrize(
    "query", ["limit=101", "limit=0", "limit=-1", "limit=x", "after=x", "limit=1000000000"]
)
async def test_paging_outside_the_limits_is_refused(crm: httpx2.AsyncClient, query: str) -> None:
    assert (await crm.get(f"/crm/objects/{V}/contacts?{query}")).status_code == 400


async def test_a_unique_value_finds_its_object_and_stays_unique(crm: httpx2.AsyncClient) -> None:
    note = await made(crm, "notes", mcp_request_id="r-1", **NOTE)
    found = await crm.get(f"/crm/objects/{V}/notes/r-1", params={"idProperty": "mcp_request_id"})
    assert found.json()["id"] == note
    again = await crm.post(
        f"/crm/objects/{V}/notes", json={"properties": {**NOTE, "mcp_request_id": "r-1"}}
    )
    assert again.status_code == 400
    assert again.json()["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"
    by_name = await crm.get(f"/crm/objects/{V}/notes/x", params={"idProperty": "hs_note_body"})
    assert by_name.status_code == 400


async def test_a_second_contact_with_an_address_is_a_conflict(crm: httpx2.AsyncClient) -> None:
    async def create() -> int:
        answer = await crm.post(
            f"/crm/objects/{V}/contacts", json={"properties": {"email": "one@acme.example"}}
        )
        return answer.status_code

    assert sorted(await asyncio.gather(*(create() for _ in range(5)))) == [201, 409, 409, 409, 409]


async def test_simultaneous_changes_lose_nothing(crm: httpx2.AsyncClient) -> None:
    one = await made(crm, "contacts", email="a@acme.example")
    names = ("firstname", "lastname", "phone", "jobtitle", "company")
    await asyncio.gather(
        *(crm.patch(f"/crm/objects/{V}/contacts/{one}", json={"properties": {n: n}}) for n in names)
    )
    url = f"/crm/objects/{V}/contacts/{one}?properties={','.join(names)}"
    properties = (await crm.get(url)).json()["properties"]
    assert all(properties[name] == name for name in names)
