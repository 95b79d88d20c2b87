"""The vendor's own Python client, which nobody wrote for this sandbox, works against it.

It speaks the numbered paths; the handlers behind them are the dated ones'.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm.associations.v4 import (  # type: ignore[import-untyped]
    AssociationSpec,
    BatchInputPublicAssociationMultiPost,
    BatchInputPublicDefaultAssociationMultiPost,
    BatchInputPublicFetchAssociationsBatchRequest,
)
from hubspot.crm.contacts import (  # type: ignore[import-untyped]
    ApiException,
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from sandbox.crm.account import TOKEN
from servers.crm.office import served

from sandbox_crm.app import create_app
from sandbox_crm.settings import Settings

Answer = TypeVar("Answer")


@pytest_asyncio.fixture
async def vendor(account: str) -> AsyncIterator[Any]:
    settings = Settings(
        database_url=account, token=TOKEN, search_per_second=10_000, ten_secondly=10_000
    )
    async with served(create_app(settings)) as port:
        yield HubSpot(access_token=TOKEN, host=f"http://127.0.0.1:{port}")


async def said(call: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
    """It blocks, and the sandbox runs in this very process."""
    return await asyncio.to_thread(call, *arguments, **named)


async def a_contact(vendor: Any, email: str, **properties: str) -> str:
    made = await said(
        vendor.crm.contacts.basic_api.create,
        SimplePublicObjectInputForCreate(
            properties={"email": email, **properties}, associations=[]
        ),
    )
    return str(made.id)


async def test_it_creates_reads_changes_and_archives(vendor: Any) -> None:
    contact = await a_contact(vendor, "a@x.example", firstname="Ada", lastname="Low")
    api = vendor.crm.contacts.basic_api
    read = await said(api.get_by_id, contact, properties=["firstname", "phone"])
    assert (read.properties["firstname"], read.properties["phone"]) == ("Ada", None)
    assert read.created_at.tzinfo
    assert not read.archived
    await said(api.update, contact, SimplePublicObjectInput(properties={"firstname": "Bea"}))
    by_mail = await said(api.get_by_id, "a@x.example", id_property="email")
    assert (by_mail.id, by_mail.properties["firstname"]) == (contact, "Bea")
    await said(api.archive, contact)
    with pytest.raises(ApiException) as gone:
        await said(api.get_by_id, contact)
    assert gone.value.status == 404
    assert (await said(api.get_by_id, contact, archived=True)).archived_at


async def test_it_reads_every_page_by_its_own_helper(vendor: Any) -> None:
    for part in ("a", "b"):
        inputs = [
            {"properties": {"email": f"{part}{n}@pages.example"}, "associations": []}
            for n in range(60)
        ]
        await said(
            vendor.crm.contacts.batch_api.create,
            BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs),
        )
    everyone = await said(vendor.crm.contacts.get_all)
    page = await said(vendor.crm.contacts.basic_api.get_page, limit=3)
    assert len(everyone) > 120
    assert len({one.id for one in everyone}) == len(everyone)
    assert len(page.results) == 3
    assert page.paging.next.after == page.results[-1].id


async def test_it_searches_and_pages_through_what_it_found(vendor: Any) -> None:
    for number in range(5):
        await a_contact(
            vendor, f"{number}@search.example", lastname="Searched", jobtitle=f"{number}"
        )
    found, after = [], None
    while True:
        page = await said(
            vendor.crm.contacts.search_api.do_search,
            PublicObjectSearchRequest(
                filter_groups=[
                    {"filters": [
                        {"propertyName": "lastname", "operator": "EQ", "value": "searched"},
                        {"propertyName": "jobtitle", "operator": "NOT_IN", "values": ["3"]},
                    ]}
                ],
                sorts=[{"propertyName": "jobtitle", "direction": "DESCENDING"}],
                properties=["jobtitle"], limit=2, after=after,
            ),
        )  # fmt: skip
        assert page.total == 4
        found += [one.properties["jobtitle"] for one in page.results]
        if page.paging is None:
            break
        after = page.paging.next.after
    assert found == ["4", "2", "1", "0"]


async def test_it_works_in_batches_and_is_told_what_was_missing(vendor: Any) -> None:
    api = vendor.crm.contacts.batch_api
    made = await said(
        api.create,
        BatchInputSimplePublicObjectBatchInputForCreate(
            inputs=[
                {"properties": {"email": f"{n}@batch.example"}, "associations": []}
                for n in range(3)
            ]
        ),
    )
    ids = [one.id for one in made.results]
    assert made.status == "COMPLETE"
    read = await said(
        api.read,
        BatchReadInputSimplePublicObjectId(
            inputs=[{"id": one} for one in (*ids, "99999999999")], properties=["email"],
            properties_with_history=[],
        ),
    )  # fmt: skip
    assert type(read).__name__ == "BatchResponseSimplePublicObjectWithErrors"
    assert [one.id for one in read.results] == ids
    assert read.num_errors == 1
    assert read.errors[0].context == {"ids": ["99999999999"]}
    changed = await said(
        api.update,
        BatchInputSimplePublicObjectBatchInput(
            inputs=[{"id": one, "properties": {"firstname": "N"}} for one in ids]
        ),
    )
    assert {one.properties["firstname"] for one in changed.results} == {"N"}
    upserted = await said(
        api.upsert,
        BatchInputSimplePublicObjectBatchInputUpsert(
            inputs=[
                {"id": mail, "idProperty": "email", "properties": {"firstname": "U"}}
                for mail in ("0@batch.example", "new@batch.example")
            ]
        ),
    )
    assert [one.new for one in upserted.results] == [False, True]
    await said(api.archive, BatchInputSimplePublicObjectId(inputs=[{"id": ids[0]}]))
    left = await said(
        api.read,
        BatchReadInputSimplePublicObjectId(
            inputs=[{"id": one} for one in ids], properties=[], properties_with_history=[]
        ),
    )
    assert [one.id for one in left.results] == ids[1:]


async def test_it_associates_and_reads_links_one_by_one_and_in_batches(vendor: Any) -> None:
    contact = await a_contact(vendor, "linked@x.example")
    companies = [
        (await said(
            vendor.crm.companies.basic_api.create,
            SimplePublicObjectInputForCreate(properties={"name": f"C{n}"}, associations=[]),
        )).id
        for n in range(3)
    ]  # fmt: skip
    v4 = vendor.crm.associations.v4
    await said(v4.basic_api.create_default, "contacts", contact, "companies", companies[0])
    spec = AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=279)
    await said(v4.basic_api.create, "contacts", contact, "companies", companies[1], [spec])
    await said(
        v4.batch_api.create_default, "contacts", "companies",
        BatchInputPublicDefaultAssociationMultiPost(
            inputs=[{"from": {"id": contact}, "to": {"id": companies[2]}}]
        ),
    )  # fmt: skip
    await said(
        v4.batch_api.create, "contacts", "companies",
        BatchInputPublicAssociationMultiPost(
            inputs=[{"from": {"id": contact}, "to": {"id": companies[2]},
                     "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]
        ),
    )  # fmt: skip
    first = await said(v4.basic_api.get_page, "contacts", contact, "companies", limit=2)
    rest = await said(
        v4.basic_api.get_page, "contacts", contact, "companies", after=first.paging.next.after
    )
    assert [one.to_object_id for one in (*first.results, *rest.results)] == companies
    assert {one.association_types[0].type_id for one in first.results} == {279}
    together = await said(
        v4.batch_api.get_page, "contacts", "companies",
        BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": contact}]),
    )  # fmt: skip
    assert [one.to_object_id for one in together.results[0].to] == companies
    await said(v4.basic_api.archive, "contacts", contact, "companies", companies[0])
    read = await said(vendor.crm.contacts.basic_api.get_by_id, contact, associations=["companies"])
    assert [one.id for one in read.associations["companies"].results] == companies[1:]


async def test_it_reads_what_describes_the_account(vendor: Any) -> None:
    owners = await said(vendor.crm.owners.owners_api.get_page, limit=5)
    assert len(owners.results) == 5
    assert owners.results[0].teams[0].name
    one = await said(vendor.crm.owners.owners_api.get_by_id, int(owners.results[0].id))
    assert one.email == owners.results[0].email
    pipelines = await said(vendor.crm.pipelines.pipelines_api.get_all, "deals")
    assert {stage.id for stage in pipelines.results[0].stages} >= {"contractsent", "closedwon"}
    properties = await said(vendor.crm.properties.core_api.get_all, "contacts")
    assert "email" in {one.name for one in properties.results}


async def test_its_errors_are_read_as_errors(vendor: Any, account: str) -> None:
    with pytest.raises(ApiException) as wrong:
        await a_contact(vendor, "not an address")
    assert wrong.value.status == 400
    assert "VALIDATION_ERROR" in wrong.value.body
    await a_contact(vendor, "twice@x.example")
    with pytest.raises(ApiException) as twice:
        await a_contact(vendor, "twice@x.example")
    assert twice.value.status == 409
    settings = Settings(database_url=account, token=TOKEN, search_per_second=1)
    async with served(create_app(settings)) as port:
        limited = HubSpot(access_token=TOKEN, host=f"http://127.0.0.1:{port}")
        search = limited.crm.contacts.search_api.do_search
        await said(search, PublicObjectSearchRequest(limit=1))
        with pytest.raises(ApiException) as much:
            await said(search, PublicObjectSearchRequest(limit=1))
    assert much.value.status == 429
    assert '"policyName":"SECONDLY"' in much.value.body
