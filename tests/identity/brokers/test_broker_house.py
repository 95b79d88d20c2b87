"""The whole way: signed in at the company, brokered by Keycloak, a governed call, the ledger."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from house.asks import GOOD, error_of, result_of
from house.backends import counted_server
from house.folders import AGENTS
from house.house import House, house
from house.operator import Operator
from house.test_live_policy import events
from identity.brokers.brokered import ANALYSTS, SALES, Company, Visit
from identity.brokers.directory import Person

from mcp_local.valkey import Valkey

Hire = Callable[..., Person]
Visits = Callable[[], Visit]


@pytest_asyncio.fixture
async def home(
    tmp_path: Path, company: Company, database: str, valkey_server: Valkey
) -> AsyncIterator[House]:
    """Its issuer is Keycloak, and the host that people sign in with may call."""
    folder = tmp_path / "house"
    async with (
        counted_server(company.issuer) as server,
        house(folder, company.issuer, database, valkey_server.url, server) as made,
    ):
        (folder / "gateway" / "agents.yaml").write_text(AGENTS.replace("mcp-dev-cli", "mcp-host"))
        await events(made, "policy_changed")
        await made.begin()
        yield made


async def called(home: House, tokens: dict[str, str]) -> httpx2.Response:
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return await home.call(GOOD["name"], GOOD["arguments"], headers=headers)


async def test_a_person_of_the_company_calls_a_tool_and_is_on_the_record(
    home: House, company: Company, person: Hire, visit: Visits
) -> None:
    pat = person(ANALYSTS)
    first = visit().tokens(pat)
    assert result_of(await called(home, first))["structuredContent"]
    company.register_anew()
    assert result_of(await called(home, visit().tokens(pat)))["structuredContent"]
    account = company.account(pat)
    assert account
    records = await home.settled(4, tool="add_numbers")
    assert [one["kind"] for one in records] == ["intent", "outcome"] * 2
    assert {(one["person"], one["sub"]) for one in records} == {(pat.upn, account["id"])}
    # the backend was sent a token of the gateway's, for the same person
    assert len(home.server.calls) == 2


async def test_a_person_without_the_group_does_not_see_the_tool(
    home: House, person: Hire, visit: Visits
) -> None:
    answer = await called(home, visit().tokens(person(SALES)))
    assert error_of(answer)["message"] == "Unknown tool"
    assert not home.server.calls


async def test_a_block_holds_through_refreshing_and_a_revocation_does_not(
    home: House,
    company: Company,
    person: Hire,
    visit: Visits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a person disabled there: Keycloak's session goes on, and makes tokens after the revoked."""
    pat = person(ANALYSTS)
    tokens = visit().tokens(pat)
    subject = company.issuer.claims(tokens["access_token"])["sub"]
    operator = Operator(home, monkeypatch)
    await operator("revoke", "--person", pat.upn, "--reason", "left")
    assert (await called(home, tokens)).status_code == 401
    await asyncio.sleep(1)  # a token's time has whole seconds
    answer = company.issuer.ask(
        grant_type="refresh_token", client_id="mcp-host", refresh_token=tokens["refresh_token"]
    )
    tokens = answer.json()
    assert result_of(await called(home, tokens))["structuredContent"]
    await operator("block", "--person", subject, "--reason", "left")
    assert (await called(home, tokens)).status_code == 403
    await operator.open_everything()
