"""The calls `make up` makes, and the question across servers, through the running gateway."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from live.commands import demo_calls, local, made
from live.conftest import ROOT

from mcp_local import ledger_view
from mcp_local.load import Stack
from mcp_local.plan import plan

SERVERS = [server.name for server in plan(ROOT).servers()]


@pytest.mark.parametrize("server", SERVERS)
async def test_the_calls_of_a_server_go_as_its_demo_says_and_are_recorded(
    stack: Stack, server: str
) -> None:
    calls = [call for call in demo_calls(stack) if call.server == server]
    assert calls, f"servers/{server} has no demo.toml"
    since = datetime.now(UTC) - timedelta(seconds=1)
    outcomes = await made(stack, calls)
    assert [outcome for outcome in outcomes if not outcome.as_expected] == []
    for outcome in outcomes:
        assert await ledger_view.record_of(stack.filler(), outcome, since), outcome.call


async def test_a_call_that_goes_otherwise_than_its_demo_says_is_not_as_expected(
    stack: Stack,
) -> None:
    refused = next(call for call in demo_calls(stack) if call.expect == "refused")
    (outcome,) = await made(stack, [refused.model_copy(update={"expect": "allowed"})])
    assert outcome.decision == "refused"
    assert not outcome.as_expected


def test_one_call_is_allowed_one_refused_one_limited(stack: Stack) -> None:
    assert {call.expect for call in demo_calls(stack)} == {"allowed", "refused", "limited"}


def test_the_demonstration_answers_the_question_across_servers(stack: Stack) -> None:
    shown = local(stack, "demo")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Which of our largest accounts lost revenue this quarter" in shown.stdout
    answer = shown.stdout.partition("Revenue ")[2]
    rows = [line for line in answer.splitlines() if "%" in line]
    assert len(rows) >= 3, shown.stdout
    assert "owner" in answer
    assert not any("nobody" in row for row in rows), answer
    assert all("percentage point" in row or "no discount" in row for row in rows), answer
    assert "Source: " in answer
    assert "policy" in answer
    assert "Not answered" not in shown.stderr


async def test_the_console_is_served_and_asks_for_a_sign_in(stack: Stack) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        first = await http.get(f"{stack.here.gateway}/console/calls")
        assert first.status_code == 303
        assert "/console/sign-in" in first.headers["location"]
        sent = await http.get(f"{stack.here.gateway}{first.headers['location']}")
        assert sent.headers["location"].startswith(stack.here.issuer)
        page = await http.get(sent.headers["location"])
        assert page.status_code == 200
        assert "<form" in page.text
