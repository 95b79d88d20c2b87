"""Who is not let in by the company's issuer, and what they are told."""

import itertools
from collections.abc import Callable, Iterator

import httpx2
import pytest
from identity.brokers.brokered import ALIAS, SALES, Company, Visit, shown
from identity.brokers.directory import MOST_GROUPS, Person

from mcp_realm.brokers_flows import WHY_LEFT_OUT, WHY_TAKEN

Hire = Callable[..., Person]
Visits = Callable[[], Visit]


def many() -> list[str]:
    return [f"0aa4b8f0-2222-4222-8333-{n:012d}" for n in range(MOST_GROUPS)]


def refused(page: httpx2.Response) -> str:
    assert page.status_code >= 400, f"{page.status_code} {page.url}: {shown(page)[:300]}"
    return shown(page)


def test_a_person_in_too_many_groups_is_refused_and_told_why(
    company: Company, person: Hire, visit: Visits
) -> None:
    """Entra ID sends a link instead of the list; rights of the last sign-in must not live on."""
    pat = person(SALES)
    visit().tokens(pat)
    assert company.account_groups(pat) == {"sales", "region-europe"}
    pat.groups = [SALES, *many()]
    assert WHY_LEFT_OUT in refused(visit().arrive(pat))
    assert company.account_groups(pat) == set()


def test_a_newcomer_in_too_many_groups_is_refused_too(person: Hire, visit: Visits) -> None:
    assert WHY_LEFT_OUT in refused(visit().arrive(person(SALES, *many())))


def test_the_remedy_is_to_assign_groups_to_the_application(
    company: Company, person: Hire, visit: Visits
) -> None:
    pat = person(SALES, *many())
    refused(visit().arrive(pat))
    company.application.assigned = frozenset({SALES})
    assert visit().tokens(pat)
    assert company.account_groups(pat) == {"sales", "region-europe"}


def test_the_other_remedy_is_application_roles(
    company: Company, person: Hire, visit: Visits
) -> None:
    company.apply(claim="roles", groups={"mcp-sales": ["sales"]})
    pat = person(SALES, *many(), app_roles=["mcp-sales", "something-else"])
    said = company.issuer.claims(visit().tokens(pat)["access_token"])
    assert said["realm_access"]["roles"] == ["sales"]


@pytest.fixture
def ana(company: Company) -> Iterator[dict[str, object]]:
    """A colleague with an account of her own here; it is as before when the test has ended."""
    (account,) = company.admin.get_users({"username": "ana", "exact": True})
    yield account
    after = company.admin.get_user(str(account["id"]))
    assert not after.get("federatedIdentities")
    assert (after["email"], after["username"]) == ("ana@larkfield.example", "ana")


def test_an_address_that_nobody_verified_opens_no_account(
    ana: dict[str, object], person: Hire, visit: Visits
) -> None:
    """Account take-over: an upstream user may type any address."""
    assert WHY_TAKEN in refused(visit().arrive(person(SALES, email=ana["email"])))


def test_a_user_name_opens_no_account_either(
    ana: dict[str, object], company: Company, person: Hire, visit: Visits
) -> None:
    assert WHY_TAKEN in refused(visit().arrive(person(SALES, upn="ana", email=None)))


def test_a_person_who_takes_an_address_later_does_not_become_its_owner(
    ana: dict[str, object], company: Company, person: Hire, visit: Visits
) -> None:
    pat = person(SALES)
    mine = company.issuer.claims(visit().tokens(pat)["access_token"])["sub"]
    pat.email = str(ana["email"])
    refused(visit().arrive(pat))
    account = company.account(pat)
    assert account
    assert (account["id"], account["email"]) == (mine, pat.upn)


def test_a_user_name_given_to_somebody_else_is_not_the_account_of_before(
    company: Company, person: Hire, visit: Visits
) -> None:
    """A leaver's user name is free again at the company; the rights here are not."""
    leaver = person(SALES)
    visit().tokens(leaver)
    del company.entra.people[leaver.upn]
    heir = person(upn=leaver.upn, email=None)
    assert WHY_TAKEN in refused(visit().arrive(heir))


def test_an_administrator_joins_an_account_by_the_identity_not_by_the_name(
    company: Company, person: Hire, visit: Visits
) -> None:
    """The remedy of the refusals above: `oid`, as the company's own administration shows it."""
    pat = person(SALES)
    made = company.admin.create_user({"username": pat.upn, "enabled": True})
    assert WHY_TAKEN in refused(visit().arrive(pat))
    company.admin.add_user_social_login(made, ALIAS, pat.oid, pat.upn)
    assert company.issuer.claims(visit().tokens(pat)["access_token"])["sub"] == made


def test_a_token_without_the_identity_lets_nobody_in(
    company: Company, person: Hire, visit: Visits
) -> None:
    """Without it everyone would be the same person, whose identity is nothing."""
    company.entra.without = frozenset({"oid"})
    refused(visit().arrive(person(SALES)))


def test_a_disabled_person_gets_no_further_than_the_companys_page(
    person: Hire, visit: Visits
) -> None:
    page = visit().arrive(person(SALES, enabled=False))
    assert "AADSTS50057" in shown(page)


def test_a_redirect_uri_that_is_not_registered_there_is_no_way_back(
    company: Company, person: Hire, visit: Visits
) -> None:
    registered = company.application.redirect_uri
    company.application.redirect_uri = f"{registered}/"
    try:
        assert "AADSTS50011" in refused(visit().arrive(person(SALES)))
    finally:
        company.application.redirect_uri = registered


def test_a_wrong_secret_is_no_sign_in(company: Company, person: Hire, visit: Visits) -> None:
    good, company.application.secret = company.application.secret, "another"
    try:
        page = visit().arrive(person(SALES))
        assert page.status_code >= 400
    finally:
        company.application.secret = good


def test_a_hundred_groups_are_no_reason_to_refuse(person: Hire, visit: Visits) -> None:
    assert visit().tokens(person(SALES, *itertools.islice(many(), 100)))
