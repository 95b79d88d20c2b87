"""Who somebody is here, once the company has said who they are there."""

from collections.abc import Callable

from identity.brokers.brokered import (
    ANALYSTS,
    AUDITORS,
    GROUPS,
    OTHER_ANALYSTS,
    SALES,
    UNKNOWN,
    Company,
    Visit,
)
from identity.brokers.directory import Person, pairwise

Hire = Callable[..., Person]
Visits = Callable[[], Visit]


def test_groups_there_are_roles_and_groups_here(
    company: Company, person: Hire, visit: Visits
) -> None:
    pat = person(SALES)
    said = company.issuer.claims(visit().tokens(pat)["access_token"])
    assert said["realm_access"]["roles"] == ["sales"]
    assert sorted(said["groups"]) == ["region-europe", "sales"]
    assert said["preferred_username"] == pat.upn
    assert said["aud"] == company.issuer.aggregate


def test_a_person_is_asked_nothing_but_the_hosts_consent(
    company: Company, person: Hire, visit: Visits
) -> None:
    """No address, no name, no user name to choose: `arrive` knows no such form."""
    pat = person(SALES, email=None, given="", family="")
    assert visit().tokens(pat)
    account = company.account(pat)
    assert account
    assert account["emailVerified"] is False
    assert account["requiredActions"] == []


def test_groups_that_the_file_does_not_know_give_nothing(
    company: Company, person: Hire, visit: Visits
) -> None:
    said = company.issuer.claims(visit().tokens(person(UNKNOWN, "sales"))["access_token"])
    assert "realm_access" not in said
    assert not said.get("groups")


def test_a_change_of_groups_there_counts_from_the_next_sign_in(
    company: Company, person: Hire, visit: Visits
) -> None:
    pat = person(SALES)
    visit().tokens(pat)
    pat.groups = [ANALYSTS]
    said = company.issuer.claims(visit().tokens(pat)["access_token"])
    assert said["groups"] == ["analyst"]
    pat.groups = []
    said = company.issuer.claims(visit().tokens(pat)["access_token"])
    assert not said.get("groups")
    assert "realm_access" not in said


def test_two_groups_there_may_give_the_same_one_here(
    company: Company, person: Hire, visit: Visits
) -> None:
    """Whichever comes first at Keycloak, the one that does not match takes nothing away."""
    pat = person()
    for groups in ([ANALYSTS], [OTHER_ANALYSTS], [ANALYSTS, OTHER_ANALYSTS]):
        pat.groups = groups
        visit().tokens(pat)
        assert company.account_groups(pat) == {"analyst"}


def test_a_line_that_leaves_the_file_leaves_people_at_their_next_sign_in(
    company: Company, person: Hire, visit: Visits
) -> None:
    pat = person(AUDITORS, SALES)
    visit().tokens(pat)
    assert "auditor" in company.account_groups(pat)
    company.apply(groups={key: value for key, value in GROUPS.items() if key != AUDITORS})
    visit().tokens(pat)
    assert company.account_groups(pat) == {"sales", "region-europe"}


def test_a_group_given_here_by_hand_is_taken_away_unless_the_file_leaves_it(
    company: Company, person: Hire, visit: Visits
) -> None:
    pat = person(SALES)
    visit().tokens(pat)
    operators = company.admin.get_group_by_path("/operator")["id"]
    account = company.account(pat)
    assert account
    company.admin.group_user_add(account["id"], operators)
    company.apply(by_hand=["operator"])
    visit().tokens(pat)
    assert "operator" in company.account_groups(pat)
    company.apply(by_hand=[])
    visit().tokens(pat)
    assert "operator" not in company.account_groups(pat)


def test_a_person_stays_the_same_when_the_application_is_registered_anew(
    company: Company, person: Hire, visit: Visits
) -> None:
    """Every `sub` differs then; the ledger's person must not."""
    pat = person(SALES)
    before = company.issuer.claims(visit().tokens(pat)["access_token"])["sub"]
    old = company.application.client_id
    company.register_anew()
    assert pairwise(old, pat.oid) != pairwise(company.application.client_id, pat.oid)
    after = company.issuer.claims(visit().tokens(pat)["access_token"])["sub"]
    assert after == before


def test_a_person_whose_user_name_changes_there_stays_the_same(
    company: Company, person: Hire, visit: Visits
) -> None:
    pat = person(SALES)
    before = company.issuer.claims(visit().tokens(pat)["access_token"])
    del company.entra.people[pat.upn]
    pat.upn = f"married.{pat.upn}"
    company.entra.hire(pat)
    after = company.issuer.claims(visit().tokens(pat)["access_token"])
    assert after["sub"] == before["sub"]
    # the account keeps the name it was made with; the subject is what counts
    assert after["preferred_username"] == before["preferred_username"]


def test_what_keycloak_sends_there_holds_a_verifier(
    company: Company, person: Hire, visit: Visits
) -> None:
    visit().tokens(person(SALES))
    assert company.entra.token_requests[-1]["code_verifier"]
    assert company.entra.token_requests[-1]["grant_type"] == "authorization_code"
