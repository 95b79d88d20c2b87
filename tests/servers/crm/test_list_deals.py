from typing import Any

import pytest
from sandbox.crm.account import V
from servers.crm.office import BEN, CHO, Office, given, refused


async def test_open_deals_come_first_due_first(office: Office) -> None:
    found = given(await office.call("list_deals"))
    assert found["deals"]
    assert all(one["status"] == "open" for one in found["deals"])
    dates = [one["close_date"] for one in found["deals"]]
    assert dates == sorted(dates)
    assert all(one["account_number"] in {"1", "2", "11"} for one in found["deals"])


async def test_conditions_narrow_and_an_empty_list_is_an_answer(office: Office) -> None:
    everything = given(await office.call("list_deals", status="any", limit=50))
    parts = [
        given(await office.call("list_deals", status=s))["total"] for s in ("open", "won", "lost")
    ]
    assert sum(parts) == everything["total"] == len(everything["deals"])
    deal = everything["deals"][0]
    same = given(
        await office.call(
            "list_deals",
            status="any",
            stage=deal["stage"].upper(),
            owner=deal["owner"],
            account=deal["account_number"],
            closing_from=deal["close_date"][:10],
            closing_to=deal["close_date"][:10],
        )
    )
    assert deal["id"] in {one["id"] for one in same["deals"]}
    none = given(await office.call("list_deals", closing_from="2999-01-01"))
    assert none == {"deals": [], "total": 0, "more": False, "next_cursor": None}


async def test_me_is_the_person_who_asks(office: Office) -> None:
    mine = given(await office.call("list_deals", owner="me", status="any"))
    ben = given(await office.call("list_deals", owner="ben@larkfield.example", status="any"))
    assert mine["total"] == ben["total"]
    assert {one["owner"] for one in mine["deals"]} <= {"Ben Okafor"}
    refused(await office.call("list_deals", who=CHO, owner="me"), "invalid")


async def test_pages_show_every_deal_once(office: Office) -> None:
    for _ in range(3):
        await office.deal()
    seen: list[str] = []
    arguments: dict[str, Any] = {"status": "any", "limit": 2}
    while True:
        page = given(await office.call("list_deals", **arguments))
        seen += [one["id"] for one in page["deals"]]
        assert page["more"] == (page["next_cursor"] is not None)
        if not page["more"]:
            break
        arguments["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen)) == page["total"]


async def test_the_last_page_the_crm_can_list_says_that_more_follow(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_crm.hubspot.adapter.MAX_OFFSET", 3)
    for _ in range(4):
        await office.deal()
    first = given(await office.call("list_deals", status="any", limit=2))
    last = given(
        await office.call("list_deals", status="any", limit=2, cursor=first["next_cursor"])
    )
    assert len(last["deals"]) == 1
    assert last["more"]
    said = refused(
        await office.call("list_deals", status="any", limit=2, cursor=last["next_cursor"]),
        "invalid",
    )
    assert said.startswith("The CRM lists no more than 3 deals.")


async def test_a_day_ends_with_its_last_millisecond(office: Office) -> None:
    deal = await office.deal()
    late = {"properties": {"closedate": "2031-05-06T23:59:59.999Z"}}
    (await office.crm.patch(f"/crm/objects/{V}/deals/{deal}", json=late)).raise_for_status()
    for closing_to, found in (("2031-05-06", [deal]), ("2031-05-05", [])):
        page = given(
            await office.call("list_deals", closing_from="2031-05-05", closing_to=closing_to)
        )
        assert [one["id"] for one in page["deals"]] == found


async def test_a_cursor_serves_its_own_question_and_person_only(office: Office) -> None:
    cursor = given(await office.call("list_deals", status="any", limit=1))["next_cursor"]
    assert given(await office.call("list_deals", who=BEN, status="any", cursor=cursor))["deals"]
    for who, arguments in (
        (CHO, {"status": "any", "cursor": cursor}),
        (BEN, {"status": "open", "cursor": cursor}),
        (BEN, {"status": "any", "cursor": cursor[:-2] + "zz"}),
        (BEN, {"status": "any", "cursor": "9"}),
        (BEN, {"status": "any", "cursor": "ü"}),
    ):
        refused(await office.call("list_deals", who=who, **arguments), "invalid")


async def test_a_name_that_is_nearly_right_is_put_right(office: Office) -> None:
    said = refused(await office.call("list_deals", stage="contract sned"), "invalid")
    assert "Did you mean 'Contract sent'?" in said
    assert "Quote sent" in said
    assert "Ben Okafor" in refused(await office.call("list_deals", owner="Ben Okafro"), "invalid")
    refused(await office.call("list_deals", closing_to="2026-02-30"), "invalid")
    refused(await office.call("list_deals", account="99999"), "not_found")
