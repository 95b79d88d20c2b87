"""The CRM as it fails: slow, gone, limiting, redirecting."""

import asyncio
import time

import pytest
from servers.crm.office import Office, given, open_office, refused
from servers.crm.wire import Fault, answer

from mcp_crm.hubspot.breaker import FAILURES, OPEN_SECONDS, Breaker

LIMITED = b'{"status":"error","message":"m","errorType":"RATE_LIMIT","correlationId":"c","policyName":"%s"}'
SEARCH = "/contacts/search"


async def test_a_crm_that_is_gone_is_unavailable(office: Office) -> None:
    office.settings = office.settings.model_copy(update={"base_url": "http://127.0.0.1:1"})
    for tool, arguments in (
        ("find_contacts", {"text": "x"}),
        ("get_account", {"account": "11"}),
        ("list_deals", {}),
        ("log_note", {"account": "11", "text": "x", "idempotency_key": "gone-0001"}),
        (
            "update_deal_stage",
            {"deal_id": "1", "stage": "Closed won", "idempotency_key": "gone-0002"},
        ),
    ):
        [result] = await office.calls((tool, arguments))
        said = refused(result, "unavailable")
        assert "127.0.0.1" not in said


@pytest.mark.parametrize(
    "fault",
    [
        Fault(SEARCH, "cut", times=2),
        Fault(SEARCH, "lose answer", times=2),
        Fault(SEARCH, "answer", times=2, answer=answer(503)),
        Fault(SEARCH, "answer", times=1, answer=answer(429, LIMITED % b"SECONDLY")),
        Fault(SEARCH, "answer", times=1, answer=answer(429, LIMITED % b"TEN_SECONDLY_ROLLING")),
    ],
)
async def test_a_read_is_tried_again(office: Office, fault: Fault) -> None:
    times = fault.times
    office.wire.faults.append(fault)
    given(await office.call("find_contacts", text="customer"))
    assert office.wire.count(SEARCH) == times + 1


async def test_a_read_is_not_tried_for_ever(office: Office) -> None:
    office.wire.faults.append(Fault(SEARCH, "answer", times=99, answer=answer(500)))
    refused(await office.call("find_contacts", text="x"), "unavailable")
    assert office.wire.count(SEARCH) == 4


async def test_a_wait_that_was_asked_for_is_kept(office: Office) -> None:
    limited = answer(429, LIMITED % b"SECONDLY", "Retry-After: 1")
    office.wire.faults.append(Fault(SEARCH, "answer", answer=limited))
    started = time.monotonic()
    given(await office.call("find_contacts", text="customer"))
    assert time.monotonic() - started >= 1.0


@pytest.mark.parametrize("headers_and_policy", [(["Retry-After: 30"], b"SECONDLY"), ([], b"DAILY")])
async def test_a_wait_longer_than_the_deadline_is_not_begun(
    office: Office, headers_and_policy: tuple[list[str], bytes]
) -> None:
    headers, policy = headers_and_policy
    limited = answer(429, LIMITED % policy, *headers)
    office.wire.faults.append(Fault(SEARCH, "answer", times=99, answer=limited))
    started = time.monotonic()
    refused(await office.call("find_contacts", text="x"), "unavailable")
    assert time.monotonic() - started < 20  # of the thirty that were asked for
    assert office.wire.count(SEARCH) == 1


async def test_the_sandbox_s_own_limiter_is_waited_for(account: str) -> None:
    async with open_office(account, search_per_second=2) as office:
        results = await asyncio.gather(
            *(office.call("find_contacts", text="customer") for _ in range(4))
        )
        assert all(not one.is_error for one in results)
        assert office.wire.count(SEARCH) > 4


async def test_a_crm_that_never_answers_costs_the_deadline_and_no_more(account: str) -> None:
    async with open_office(account, deadline_seconds=0.8) as office:
        office.wire.faults.append(Fault(SEARCH, "hold", times=99))
        started = time.monotonic()
        refused(await office.call("find_contacts", text="x"), "unavailable")
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(office: Office, status: int) -> None:
    away = answer(status, b"", f"Location: {office.wire.url}/elsewhere")
    office.wire.faults.append(Fault(SEARCH, "answer", answer=away))
    refused(await office.call("find_contacts", text="x"), "unavailable")
    assert office.wire.count("elsewhere") == 0


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_refused_is_the_operator_s_matter(
    office: Office, status: int
) -> None:
    body = b'{"status":"error","category":"MISSING_SCOPES","message":"secret scope names"}'
    office.wire.faults.append(Fault(SEARCH, "answer", times=9, answer=answer(status, body)))
    said = refused(await office.call("find_contacts", text="x"), "unavailable")
    assert "operator" in said
    assert "secret" not in said
    assert office.wire.count(SEARCH) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"results": 5}',
        b'{"results": [null, {"id": "../1"}]}',
        b"{" * 9,
    ],
)
async def test_an_answer_without_sense_finds_nobody(office: Office, body: bytes) -> None:
    office.wire.faults.append(Fault(SEARCH, "answer", answer=answer(200, body)))
    refused(await office.call("find_contacts", text="x"), "not_found")


async def test_an_endless_answer_is_cut_off(office: Office) -> None:
    endless = answer(200, b" " * (9 * 1024 * 1024))
    office.wire.faults.append(Fault(SEARCH, "answer", times=99, answer=endless))
    refused(await office.call("find_contacts", text="x"), "unavailable")


async def test_one_token_is_sent_and_only_as_a_header(office: Office) -> None:
    given(await office.call("get_account", account="11"))
    assert office.wire.authorizations == {f"Bearer {office.settings.token.get_secret_value()}"}
    assert not any("token" in line.lower() for line in office.wire.lines)


async def test_a_crm_that_is_down_is_not_waited_for_by_everyone(office: Office) -> None:
    """After a row of failures calls are refused at once; the first answer opens the way again."""
    clock = [0.0]
    breaker = Breaker(lambda: clock[0])
    office.settings = office.settings.model_copy(update={"deadline_seconds": 30.0})
    down = Fault("/crm/", "answer", times=999, answer=answer(503))
    office.wire.faults.append(down)
    async with office.desk_with(breaker) as call:
        refused(await call("find_contacts", text="customer"), "unavailable")
        refused(await call("find_contacts", text="customer"), "unavailable")
        asked = len(office.wire.lines)
        assert asked == FAILURES
        said = refused(await call("find_contacts", text="customer"), "unavailable")
        assert "in 10 seconds" in said
        refused(
            await call("log_note", account="11", text="x", idempotency_key="k-000001"),
            "unavailable",
        )
        assert len(office.wire.lines) == asked
        down.times = 0
        clock[0] += OPEN_SECONDS
        given(await call("find_contacts", text="customer"))
        given(await call("get_account", account="11"))


async def test_the_day_s_limit_is_asked_about_once_a_minute_and_by_nobody_meanwhile(
    office: Office,
) -> None:
    clock = [0.0]
    day = Fault(SEARCH, "answer", times=99, answer=answer(429, LIMITED % b"DAILY"))
    office.wire.faults.append(day)
    async with office.desk_with(Breaker(lambda: clock[0])) as call:
        refused(await call("find_contacts", text="customer"), "unavailable")
        asked = len(office.wire.lines)
        said = refused(await call("get_account", account="11"), "unavailable")
        assert "in 60 seconds" in said
        refused(
            await call("log_note", account="11", text="x", idempotency_key="k-000001"),
            "unavailable",
        )
        assert len(office.wire.lines) == asked
        day.times = 0
        clock[0] += 61
        given(await call("find_contacts", text="customer"))


async def test_a_limit_of_searches_does_not_hold_back_reads_by_id(office: Office) -> None:
    limited = answer(429, LIMITED % b"SECONDLY", "Retry-After: 30")
    office.wire.faults.append(Fault(SEARCH, "answer", answer=limited))
    async with office.desk_with(Breaker()) as call:
        refused(await call("find_contacts", text="customer"), "unavailable")
        given(await call("get_account", account="11"))
        refused(await call("list_deals"), "unavailable")
    assert office.wire.count("/search") == 1


async def test_one_question_costs_a_handful_of_requests_however_many_it_finds(
    office: Office,
) -> None:
    """Records and links are read in batches, never one by one."""
    for _ in range(30):
        await office.deal()
    given(await office.call("list_deals", status="any", limit=50))
    first = len(office.wire.lines)
    assert first <= 6
    office.wire.lines.clear()
    given(await office.call("get_account", account="11"))
    assert len(office.wire.lines) <= 8
    assert office.wire.count("/batch/read") >= 3
