import pytest
from sandbox.crm.account import V, made
from servers.crm.office import ANA, Office, given, open_office, refused


async def test_an_account_comes_with_its_owner_people_deals_and_notes(office: Office) -> None:
    found = given(await office.call("get_account", account="11"))
    assert found["account"]["name"] == "Customer#000000011"
    assert found["account"]["region"] == "EUROPE"
    assert found["owner"]["email"].endswith("@larkfield.example")
    assert found["contacts"]
    assert all(one["status"] == "open" for one in found["open_deals"])
    assert not found["truncated"]


async def test_number_id_domain_and_name_lead_to_the_same_account(office: Office) -> None:
    by_number = given(await office.call("get_account", account=" 11 "))
    for reference in (
        by_number["account"]["id"], by_number["account"]["domain"], "CUSTOMER-000000011.example",
        "customer#000000011",
    ):  # fmt: skip
        assert given(await office.call("get_account", account=reference)) == by_number


async def test_several_matches_are_named_and_none_is_guessed(office: Office) -> None:
    said = refused(await office.call("get_account", who=ANA, account="customer"), "invalid")
    assert "3 accounts match" in said
    assert "Customer#000000011 (11)" in said


@pytest.mark.parametrize(
    "reference",
    ["99999", "9" * 40, "nobody.example", "no such firm", "../../owners", "%2e%2e%2f", "11?archived=true",
     "11#", "11\\..\\x", "٣", "http://169.254.169.254/latest", "11/associations"],
)  # fmt: skip
async def test_what_names_no_account_is_not_found_and_leaves_its_place(
    office: Office, reference: str
) -> None:
    refused(await office.call("get_account", account=reference), "not_found")
    places = (f"/crm/objects/{V}/companies/", f"/crm/owners/{V}?limit=")
    for line in office.wire.lines:
        assert line.split()[1].startswith(places)
        assert ".." not in line


async def test_a_note_that_gives_orders_is_passed_on_as_data(office: Office) -> None:
    found = given(await office.call("get_account", account="11"))
    assert any("SYSTEM NOTICE TO AI ASSISTANTS" in one["text"] for one in found["last_notes"])


async def test_notes_are_plain_text_without_what_nobody_sees(office: Office) -> None:
    note = await made(
        office.crm,
        "notes",
        hs_timestamp="2030-01-01",
        hs_note_body="<p>Price &lt; 5<br>ok\u200b\u202e</p><script>alert(1)</script>\U000e0041",
    )
    url = f"/crm/objects/{V}/companies/2?idProperty=account_number"
    company = (await office.crm.get(url)).json()["id"]
    await office.crm.put(f"/crm/objects/{V}/notes/{note}/associations/default/companies/{company}")
    found = given(await office.call("get_account", who=ANA, account="2"))
    assert found["last_notes"][0]["text"] == "Price < 5\nok"


async def test_a_note_just_written_is_there_although_search_lags(account: str) -> None:
    async with open_office(account, search_lag_seconds=600) as office:
        given(
            await office.call(
                "log_note", account="11", text="Fresh words.", idempotency_key="fresh-001"
            )
        )
        found = given(await office.call("get_account", account="11"))
        assert found["last_notes"][0]["text"].startswith("Fresh words.")
        assert found["last_notes"][0]["author"] == "Ben Okafor"
