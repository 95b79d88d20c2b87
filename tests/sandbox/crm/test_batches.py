from typing import Any

import httpx2
import pytest
from sandbox.crm.account import V, made


async def batch(
    crm: httpx2.AsyncClient, kind: str, verb: str, inputs: list[Any], **more: Any
) -> Any:
    return await crm.post(f"/crm/objects/{V}/{kind}/batch/{verb}", json={"inputs": inputs, **more})


async def test_a_batch_reads_what_is_there_and_names_what_is_not(crm: httpx2.AsyncClient) -> None:
    one = await made(crm, "contacts", email="a@acme.example")
    answer = await batch(crm, "contacts", "read", [{"id": one}, {"id": "1"}], properties=["email"])
    body = answer.json()
    assert answer.status_code == 207
    assert [found["properties"]["email"] for found in body["results"]] == ["a@acme.example"]
    assert body["numErrors"] == 1
    assert body["errors"][0]["context"]["ids"] == ["1"]


async def test_a_batch_reads_by_a_unique_property(crm: httpx2.AsyncClient) -> None:
    answer = await batch(crm, "companies", "read", [{"id": "2"}], idProperty="account_number")
    assert answer.json()["results"][0]["properties"]["name"] == "Customer#000000002"


async def test_a_batch_of_writes_lands_whole_or_not_at_all(crm: httpx2.AsyncClient) -> None:
    good, bad = {"email": "g@acme.example"}, {"email": "not an address"}
    for inputs in ([good, bad], [good, good]):
        refused = await batch(crm, "contacts", "create", [{"properties": p} for p in inputs])
        assert refused.status_code in {400, 409}
    assert (
        await batch(crm, "contacts", "read", [{"id": "g@acme.example"}], idProperty="email")
    ).json()["results"] == []
    made_two = await batch(crm, "contacts", "create", [{"properties": good}])
    assert made_two.status_code == 201
    one = made_two.json()["results"][0]["id"]
    change = {"id": one, "properties": {"firstname": "Gil"}}
    assert (
        await batch(crm, "contacts", "update", [change, {**change, "id": "1"}])
    ).status_code == 404
    read = await crm.get(f"/crm/objects/{V}/contacts/{one}")
    assert read.json()["properties"]["firstname"] is None
    assert (await batch(crm, "contacts", "update", [change])).json()["status"] == "COMPLETE"


async def test_upsert_creates_and_then_changes(crm: httpx2.AsyncClient) -> None:
    given = {"idProperty": "email", "id": "u@acme.example", "properties": {"firstname": "Uma"}}
    results = [
        (await batch(crm, "contacts", "upsert", [given])).json()["results"][0] for _ in range(2)
    ]
    assert [one["new"] for one in results] == [True, False]
    assert results[0]["id"] == results[1]["id"]
    missing = await batch(crm, "contacts", "upsert", [{"id": "x", "properties": {}}])
    assert missing.status_code == 400


async def test_a_batch_archives(crm: httpx2.AsyncClient) -> None:
    one = await made(crm, "contacts", email="a@acme.example")
    assert (await batch(crm, "contacts", "archive", [{"id": one}, {"id": "77"}])).status_code == 204
    assert (await crm.get(f"/crm/objects/{V}/contacts/{one}")).status_code == 404


@pytest.mark.parametrize("verb", ["read", "create", "update", "upsert", "archive"])
async def test_a_batch_has_at_most_a_hundred_inputs_and_at_least_one(
    crm: httpx2.AsyncClient, verb: str
) -> None:
    one = {"id": "1", "properties": {}, "idProperty": "email"}
    for inputs in ([one] * 101, []):
        assert (await batch(crm, "contacts", verb, inputs)).status_code == 400
