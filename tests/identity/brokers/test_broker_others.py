"""Upstreams of other shapes: group names and one `sub` (Okta), a domain and no groups (Google)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from identity.brokers.brokered import ALIAS, SECRET, Company, Visit
from identity.brokers.directory import Person

from mcp_realm.brokers import Brokers, wanted
from mcp_realm.brokers_put import put

Hire = Callable[..., Person]
Visits = Callable[[], Visit]
DOMAIN = "larkfield.example"


@pytest.fixture
def okta(company: Company) -> Iterator[Company]:
    """What Okta sends, from the same upstream: names, and a `sub` that stays."""
    at = f"{company.entra.base}/oauth2/v2.0"
    company.apply(
        kind="oidc",
        endpoints={
            "authorize": f"{at}/authorize",
            "token": f"{at}/token",
            "keys": f"{company.entra.base}/discovery/v2.0/keys",
            "logout": f"{at}/logout",
        },
        groups={"Sales EMEA": ["sales", "region-europe"], 'R&D "core" (all)': ["analyst"]},
    )
    company.entra.without = frozenset({"oid", "tid"})
    yield company
    company.mapping = {}
    company.apply()


@pytest.fixture
def google(company: Company) -> Iterator[Company]:
    """Its endpoints are Google's own, so they are bent to the upstream of this test."""
    broker = {
        "kind": "google", "name": "Larkfield", "issuer": "https://accounts.google.com",
        "client_id": company.application.client_id, "secret": SECRET, "domain": DOMAIN,
        "by_hand": "all",
    }  # fmt: skip
    file = Brokers.model_validate({"brokers": {ALIAS: broker}})
    groups = {"groups": company.admin.get_groups()}
    made = wanted(file, groups, {SECRET: company.application.secret})
    ours = company.wanted()["identityProviders"][0]["config"]
    names = ("issuer", "authorizationUrl", "tokenUrl", "jwksUrl")
    made["identityProviders"][0]["config"] |= {name: ours[name] for name in names}
    put(company.admin, made)
    company.entra.without = frozenset({"oid", "tid", "groups"})
    yield company
    company.mapping = {}
    company.apply()


def said_of(company: Company, here: Visit, person: Person) -> dict[str, Any]:
    return company.issuer.claims(here.tokens(person)["access_token"])


def test_group_names_with_any_characters_are_mapped(
    okta: Company, person: Hire, visit: Visits
) -> None:
    pat = person("Sales EMEA", 'R&D "core" (all)', "Sales EMEA (former)")
    said = said_of(okta, visit(), pat)
    assert sorted(said["groups"]) == ["analyst", "region-europe", "sales"]
    pat.groups = ["sales emea", "Sales"]
    assert not said_of(okta, visit(), pat).get("groups")


def test_a_person_is_known_by_the_subject_where_there_is_no_oid(
    okta: Company, person: Hire, visit: Visits
) -> None:
    pat = person("Sales EMEA")
    assert said_of(okta, visit(), pat)["sub"] == said_of(okta, visit(), pat)["sub"]


def test_one_domain_signs_in_and_its_rights_are_given_by_hand(
    google: Company, person: Hire, visit: Visits
) -> None:
    google.entra.besides = {"hd": DOMAIN}
    pat = person()
    assert not said_of(google, visit(), pat).get("groups")
    account = google.account(pat)
    assert account
    sales = google.admin.get_group_by_path("/sales")["id"]
    google.admin.group_user_add(account["id"], sales)
    said = said_of(google, visit(), pat)
    assert said["groups"] == ["sales"]
    assert said["realm_access"]["roles"] == ["sales"]


@pytest.mark.parametrize(
    "domain",
    [None, "other.example", f"evil-{DOMAIN}", f"{DOMAIN}.evil.example", "larkfieldXexample"],
)
def test_no_other_domain_does(
    google: Company, person: Hire, visit: Visits, domain: str | None
) -> None:
    """A private account has no `hd` at all."""
    google.entra.besides = {"hd": domain} if domain else {}
    pat = person()
    assert visit().arrive(pat).status_code >= 400
    assert google.account(pat) is None
