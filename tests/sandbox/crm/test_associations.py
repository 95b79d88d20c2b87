from typing import Any

import httpx2
import pytest
from sandbox.crm.account import V, made

TO_COMPANY = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}


async def companies_of(crm: httpx2.AsyncClient, contact: str) -> list[str]:
    answer = await crm.post(
        f"/crm/associations/{V}/contacts/companies/batch/read", json={"inputs": [{"id": contact}]}
    )
    assert answer.status_code == 200
    return [to["toObjectId"] for one in answer.json()["results"] for to in one["to"]]


async def pair(crm: httpx2.AsyncClient) -> tuple[str, str]:
    return (
        await made(crm, "contacts", email="a@acme.example"),
        await made(crm, "companies", name="Acme"),
    )


async def test_a_new_object_comes_with_its_associations(crm: httpx2.AsyncClient) -> None:
    company = await made(crm, "companies", name="Acme")
    document = {
        "properties": {"email": "a@acme.example"},
        "associations": [{"to": {"id": company}, "types": [TO_COMPANY]}],
    }
    contact = (await crm.post(f"/crm/objects/{V}/contacts", json=document)).json()["id"]
    assert await companies_of(crm, contact) == [company]
    read = (
        await crm.get(f"/crm/objects/{V}/companies/{company}?associations=contacts,deals")
    ).json()
    assert read["associations"] == {
        "contacts": {"results": [{"id": contact, "type": "company_to_contact"}]}
    }


async def test_an_object_with_an_impossible_association_is_not_made(
    crm: httpx2.AsyncClient,
) -> None:
    for to, kind in (("1", 279), ("1", 190), ("x", 279)):
        document = {
            "properties": {"email": "b@acme.example"},
            "associations": [
                {"to": {"id": to}, "types": [{**TO_COMPANY, "associationTypeId": kind}]}
            ],
        }
        assert (await crm.post(f"/crm/objects/{V}/contacts", json=document)).status_code in {
            400,
            404,
        }
    url = f"/crm/objects/{V}/contacts/b@acme.example?idProperty=email"
    assert (await crm.get(url)).status_code == 404


async def test_the_default_association_goes_both_ways_and_repeats_harmlessly(
    crm: httpx2.AsyncClient,
) -> None:
    contact, company = await pair(crm)
    url = f"/crm/objects/{V}/contacts/{contact}/associations/default/companies/{company}"
    answers = [await crm.put(url) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    specs = [one["associationSpec"]["associationTypeId"] for one in answers[0].json()["results"]]
    assert specs == [279, 280]
    assert await companies_of(crm, contact) == [company]


async def test_a_typed_association_is_put_and_deleted(crm: httpx2.AsyncClient) -> None:
    contact, company = await pair(crm)
    url = f"/crm/objects/{V}/contacts/{contact}/associations/companies/{company}"
    assert (await crm.put(url, json=[TO_COMPANY])).status_code == 201
    assert (await crm.put(url, json=[{**TO_COMPANY, "associationTypeId": 999}])).status_code == 400
    assert await companies_of(crm, contact) == [company]
    assert [(await crm.delete(url)).status_code for _ in range(2)] == [204, 204]
    assert await companies_of(crm, contact) == []


@pytest.mark.parametrize("verb", ["create", "associate/default"])
async def test_batches_associate_and_part(crm: httpx2.AsyncClient, verb: str) -> None:
    contact, company = await pair(crm)
    base = f"/crm/associations/{V}/contacts/companies/batch"
    one: dict[str, Any] = {"from": {"id": contact}, "to": {"id": company}}
    if verb == "create":
        one["types"] = [TO_COMPANY]
    assert (await crm.post(f"{base}/{verb}", json={"inputs": [one]})).status_code < 300
    assert await companies_of(crm, contact) == [company]
    parting = {"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]}
    assert (await crm.post(f"{base}/archive", json=parting)).status_code == 204
    assert await companies_of(crm, contact) == []


async def test_what_is_archived_is_associated_with_nothing(crm: httpx2.AsyncClient) -> None:
    contact, company = await pair(crm)
    await crm.put(f"/crm/objects/{V}/contacts/{contact}/associations/default/companies/{company}")
    await crm.delete(f"/crm/objects/{V}/companies/{company}")
    assert await companies_of(crm, contact) == []
