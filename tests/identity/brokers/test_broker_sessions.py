"""How long somebody stays signed in here who has been disabled, or has signed out, there."""

import time
from collections.abc import Callable, Iterator

import httpx2
import pytest
from identity.brokers.brokered import SALES, Company, Visit, shown
from identity.brokers.directory import Person

Hire = Callable[..., Person]
Visits = Callable[[], Visit]
SESSION, TOKEN = 12, 4  # seconds, instead of 36000 and 300
SLACK = 5  # of a busy machine


@pytest.fixture
def short(company: Company) -> Iterator[None]:
    """The realm's lifetimes, in small."""
    names = (
        "ssoSessionMaxLifespan", "ssoSessionIdleTimeout", "clientSessionMaxLifespan",
        "clientSessionIdleTimeout", "accessTokenLifespan",
    )  # fmt: skip
    realm = company.admin.get_realm("mcp")
    before = {name: realm[name] for name in names}
    company.admin.update_realm(
        "mcp", {**dict.fromkeys(names, SESSION), "accessTokenLifespan": TOKEN}
    )
    yield
    company.admin.update_realm("mcp", before)


def refreshed(company: Company, tokens: dict[str, str]) -> httpx2.Response:
    return company.issuer.ask(
        grant_type="refresh_token", client_id="mcp-host", refresh_token=tokens["refresh_token"]
    )


def test_a_person_disabled_there_is_out_at_the_session_maximum(
    short: None, company: Company, person: Hire, visit: Visits
) -> None:
    """Keycloak does not ask the company again before: refreshing goes on until then, not longer."""
    pat, here = person(SALES), visit()
    began = time.monotonic()
    tokens = here.tokens(pat)
    pat.enabled = False
    company.entra.sign_out_everywhere()
    while (answer := refreshed(company, tokens)).status_code == 200:
        tokens = answer.json()
        assert time.monotonic() - began < SESSION + SLACK
        time.sleep(0.5)  # a person's host asks once in a token's life
    ended = time.monotonic() - began
    assert answer.json()["error"] == "invalid_grant"
    assert SESSION - 2 <= ended <= SESSION + SLACK
    assert company.issuer.claims(tokens["access_token"])["exp"] <= time.time() + TOKEN
    assert "AADSTS50057" in shown(here.arrive(pat))


def test_ending_the_session_here_does_not_wait_for_the_maximum(
    company: Company, person: Hire, visit: Visits
) -> None:
    pat, here = person(SALES), visit()
    tokens = here.tokens(pat)
    pat.enabled = False
    company.entra.sign_out_everywhere()
    account = company.account(pat)
    assert account
    company.admin.user_logout(account["id"])
    assert refreshed(company, tokens).json()["error"] == "invalid_grant"
    assert "AADSTS50057" in shown(here.arrive(pat))


def test_a_second_host_in_the_same_browser_does_not_ask_the_company(
    company: Company, person: Hire, visit: Visits
) -> None:
    pat, here = person(SALES), visit()
    here.tokens(pat)
    asked = len(company.entra.token_requests)
    assert here.tokens(pat)
    assert len(company.entra.token_requests) == asked


def test_signing_out_here_signs_out_there(company: Company, person: Hire, visit: Visits) -> None:
    pat, here = person(SALES), visit()
    tokens = here.tokens(pat)
    assert pat in company.entra.signed_in.values()
    at = f"{company.issuer.protocol}/logout"
    page = here.follow(here.browser.get(at, id_token_hint=tokens["id_token"]))
    assert page.status_code == 200, shown(page)
    assert str(page.url).startswith(company.issuer.url)  # the upstream knows the way back
    assert pat not in company.entra.signed_in.values()
    assert refreshed(company, tokens).status_code == 400
    pat.password = "another"  # so that only a form filled in anew can succeed
    assert here.tokens(pat)
