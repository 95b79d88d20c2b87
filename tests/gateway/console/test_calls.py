import re
from urllib.parse import parse_qs, urlsplit

import pytest
from gateway.console.conftest import House

from mcp_gateway.door.ids import call_id


def found(page: str) -> list[str]:
    """The call ids of a list, in its order."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return re.findall(r'<th scope="row"><a href="/console/calls/([0-9a-f-]+)"', body)


async def test_a_call_is_one_line_that_says_how_it_ended(house: House) -> None:
    rid = await house.call("tool_error", reason="not_found")
    under_way = call_id()
    await house.write("intent", rid=under_way, ago=1)
    async with house.visit() as browser:
        page = (await browser.get("/console/calls")).text
    assert found(page) == [under_way, rid]
    assert "tool error" in page
    assert "open" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("person=cho", "d"),
        ("tool=crm_log_note", "b"),
        ("tool=log_note", "b"),
        ("tool=crm", "abcd"),
        ("decision=deny", "c"),
        ("decision=allow", "abd"),
        ("status=failed", "b"),
        ("status=refused", "c"),
        ("status=open", ""),
        ("id=" + "ab" * 16, "a"),
        ("person=cho&tool=crm_log_note", ""),
        ("person=%27%20OR%201=1--", ""),
    ],
)
async def test_filters(house: House, query: str, expected: str) -> None:
    made = {
        "a": await house.call(trace="ab" * 16),
        "b": await house.call("failed", tool="log_note"),
        "c": await house.refusal("deny", "no_role"),
        "d": await house.call(person="cho"),
    }
    async with house.visit() as browser:
        page = await browser.get(f"/console/calls?{query}")
    assert page.status_code == 200
    assert set(found(page.text)) == {made[name] for name in expected}


async def test_a_call_id_is_found_whatever_the_window(house: House) -> None:
    rid = await house.call(ago=7200)
    async with house.visit() as browser:
        assert found((await browser.get(f"/console/calls?window=1h&id={rid}")).text) == [rid]
        assert found((await browser.get("/console/calls?window=1h")).text) == []


async def test_pages_hold_every_call_once_newest_first_while_new_ones_arrive(house: House) -> None:
    # many share a moment: the place is time, segment and number
    made = [await house.call(ago=(i // 10) * 120 + 30) for i in range(130)]
    async with house.visit() as browser:
        seen: list[str] = []
        address = "/console/calls?tool=crm"
        while True:
            page = (await browser.get(address)).text
            seen += found(page)
            await house.call(ago=0)
            older = re.search(r'id="older" href="([^"]+)"', page)
            if older is None:
                break
            address = older[1].replace("&amp;", "&")
            assert parse_qs(urlsplit(address).query)["tool"] == ["crm"]
    assert len(seen) == len(set(seen)) == 130
    assert set(seen) == set(made)
    assert [made.index(rid) // 10 for rid in seen] == sorted(made.index(rid) // 10 for rid in seen)


@pytest.mark.parametrize(
    "query",
    [
        "window=1y", "status=great", "decision=maybe", "show=all", "id=%27", "id=019f", "person=%00",
        "tool=" + "x" * 201, "before=yesterday", "before=1~2~3", "before=9999999999999999~x~1",
    ],
)  # fmt: skip
async def test_what_the_page_does_not_have_is_said_and_not_a_fault(
    house: House, query: str
) -> None:
    async with house.visit() as browser:
        page = await browser.get(f"/console/calls?{query}")
    assert page.status_code == 400
    assert "This page has no such view" in page.text


async def test_events_have_a_list_and_a_page_of_their_own(house: House) -> None:
    entry = await house.ledger.append("event", {"reason": "console_sign_in", "detail": {"a": 1}})
    async with house.visit() as browser:
        page = (await browser.get("/console/calls?show=events")).text
        address = re.search(rf"/console/records/[0-9-]+/{entry.segment}/{entry.seq}", page)
        assert address is not None
        record = await browser.get(address[0])
    assert "console_sign_in" in record.text
    assert "segment_opened" in page


async def test_without_javascript_the_form_is_a_plain_get(house: House) -> None:
    async with house.visit() as browser:
        page = (await browser.get("/console/calls?person=ben")).text
    assert re.search(r'<form class="filters" method="get" action="/console/calls"', page)
    assert 'name="person" value="ben"' in page
    assert '<button type="submit">Search</button>' in page
