import asyncio
import re
import time
from typing import Any

from gateway.console.conftest import House


def rows(page: str) -> list[str]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", row)).strip() for row in body.split("</tr>")
    ][:-1]


async def test_the_tool_that_fails_most_comes_first_with_its_last_error(house: House) -> None:
    for _ in range(8):
        await house.call(latency=5)
    for latency in (100, 200, 300):
        rid = await house.call(
            "failed", tool="log_note", latency=latency, reason="upstream_timeout"
        )
    async with house.visit() as browser:
        page = await browser.get("/console/")
    first, second = rows(page.text)
    assert first.startswith("crm_log_note 3 100 % 3")
    assert "200 ms" in first
    assert "290 ms" in first
    assert "upstream_timeout" in first
    assert f"/console/calls/{rid}" in page.text
    assert second.startswith("crm_find_contacts – – 8")
    assert second.endswith("none")


async def test_refusals_and_limits_are_counted_and_are_not_failures(house: House) -> None:
    await house.call()
    await house.refusal("deny", "no_role")
    await house.refusal("limit", "rate")
    await house.refusal("limit", "rate")
    await house.refusal("error", "breaker_open")
    async with house.visit() as browser:
        page = await browser.get("/console/")
    [row] = rows(page.text)
    assert row.startswith("crm_find_contacts 1 50 % 5")
    assert re.search(r"\b1 2 12 ms", row)
    assert "breaker_open" in row


async def test_invented_names_share_one_row(house: House) -> None:
    for i in range(40):
        await house.refusal("deny", "unknown_tool", server=f"s{i}", tool=f"t{i}")
        await house.refusal("deny", "unknown", server=None, tool=None, method=f"made/up{i}")
    async with house.visit() as browser:
        page = await browser.get("/console/")
    [row] = rows(page.text)
    assert row.startswith("names that are not offered – – 80")


async def test_prompts_and_resources_are_counted_by_method_not_by_address(house: House) -> None:
    for i in range(3):
        await house.call(method="resources/read", tool=f"crm://contacts/{i}")
    async with house.visit() as browser:
        [row] = rows((await browser.get("/console/")).text)
    assert row.startswith("crm_resources/read – – 3")


async def test_the_window_is_what_was_asked_for(house: House) -> None:
    await house.call("failed", ago=7200)
    async with house.visit() as browser:
        assert "No calls in this window" in (await browser.get("/console/?window=1h")).text
        assert len(rows((await browser.get("/console/?window=24h")).text)) == 1
        wrong = await browser.get("/console/?window=1y")
    assert wrong.status_code == 400
    assert "window is one of 1h, 24h, 7d." in wrong.text


async def test_a_call_without_outcome_is_counted_once_it_should_have_one(house: House) -> None:
    await house.write("intent", ago=5)
    await house.write("intent", ago=600)
    async with house.visit() as browser:
        page = await browser.get("/console/?window=1h")
    assert re.search(r"Without outcome</dt><dd><a [^>]*status=open[^>]*>1</a>", page.text)


async def test_the_sparkline_has_no_style_of_its_own_and_says_its_numbers(house: House) -> None:
    await house.call("failed")
    await house.call()
    async with house.visit() as browser:
        page = (await browser.get("/console/?window=1h")).text
    assert 'aria-label="crm_find_contacts: 2 calls, 1 errors"' in page
    assert "style=" not in page
    assert "<style" not in page


async def test_quarantine_and_policy_version_are_on_the_health_line(house: House) -> None:
    async with house.visit() as browser:
        page = (await browser.get("/console/")).text
    assert "1 in quarantine" in page
    assert "0123abcd4567" in page


async def test_five_thousand_calls_take_less_than_a_second(house: House) -> None:
    """A tripwire for a query that lost its bound, not a benchmark."""
    work: list[Any] = [house.call(ago=i % 3600) for i in range(2500)]
    await asyncio.gather(*work)
    async with house.visit() as browser:
        await browser.get("/console/")
        started = time.perf_counter()
        page = await browser.get("/console/")
        assert time.perf_counter() - started < 1
    assert rows(page.text)[0].startswith("crm_find_contacts")
