"""Hosts that describe themselves by a document at their clientId: only where realm.json asks for it.

Our own clientIds are URLs, too. They must stay what they are.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser, callback
from identity import real_keycloak
from identity.conftest import RESOURCE_INDICATORS
from identity.described_host import NAME as TRUSTED
from identity.described_host import REDIRECT, Site, running_site
from identity.realms import Applied, a_realm
from people import BASE_REALM, Issuer


@pytest.fixture(scope="module")
def believing(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    """A realm whose file names a domain to believe."""
    real_keycloak.required()
    if not RESOURCE_INDICATORS:
        pytest.skip("this run's Keycloak is without the feature cimd")
    base = tmp_path_factory.mktemp("cimd") / "realm.json"
    realm = json.loads(BASE_REALM.read_text("utf-8"))
    realm["attributes"]["mcp.cimd.trusted-domains"] = TRUSTED
    base.write_text(json.dumps(realm), encoding="utf-8")
    with a_realm(issuer) as applied:
        assert applied.apply(applied.target(base=base)) == 0, applied.told
        yield applied


@pytest.fixture
def site(described: Path) -> Iterator[Site]:
    with running_site(described) as running:
        yield running


def at(realm: Applied) -> Issuer:
    return replace(realm.issuer, url=realm.url)


def test_our_own_urls_stay_clients_of_ours(believing: Applied) -> None:
    assert "the gateway's key opens each endpoint, and leads to its backends" in believing.told
    issuer = at(believing)
    for endpoint in (issuer.aggregate, issuer.endpoint("crm")):
        answer = issuer.ask(grant_type="client_credentials", **issuer.assertion(endpoint))
        assert answer.status_code == 200, answer.text
    assert Browser(issuer).open().status_code == 200


def test_a_host_of_a_trusted_domain_signs_a_person_in(believing: Applied, site: Site) -> None:
    client_id = site.describe("/client.json")
    hire(believing, "pia")
    browser = Browser(at(believing), client_id, REDIRECT)
    tokens = browser.tokens("pia")
    said = browser.issuer.claims(tokens["access_token"])
    assert (said["aud"], said["azp"]) == (browser.issuer.aggregate, client_id)
    assert said["realm_access"]["roles"] == ["sales"]
    assert site.asked == ["/client.json"]


def test_such_a_host_needs_pkce_all_the_same(believing: Applied, site: Site) -> None:
    browser = Browser(at(believing), site.describe("/plain.json"), REDIRECT)
    back = callback(browser.open(code_challenge=None, code_challenge_method=None))
    assert back["error"] == "invalid_request"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": f"https://{TRUSTED}/another.json"},
        {"client_id": "http://localhost:8080/mcp"},
        {"redirect_uris": ["https://evil.example/callback"]},
        {"token_endpoint_auth_method": "client_secret_post"},
    ],
    ids=["another's name", "our name", "redirect elsewhere", "a shared secret"],
)
def test_a_document_that_says_too_much_is_refused(
    believing: Applied, site: Site, changes: dict[str, object]
) -> None:
    redirect = str((changes.get("redirect_uris") or [REDIRECT])[0])  # type: ignore[index]
    browser = Browser(at(believing), site.describe("/bent.json", **changes), redirect)
    answer = browser.open()
    assert answer.status_code == 400
    assert "location" not in answer.headers


def hire(realm: Applied, name: str) -> None:
    """Somebody who works here, in a realm that has nobody yet."""
    password = {"type": "password", "value": realm.issuer.password, "temporary": False}
    realm.admin().create_user(
        {
            "username": name,
            "enabled": True,
            "email": f"{name}@larkfield.example",
            "emailVerified": True,
            "firstName": name.title(),
            "lastName": "Newcomer",
            "groups": ["/sales"],
            "credentials": [password],
        }
    )


def test_other_domains_are_not_believed(believing: Applied) -> None:
    for client_id in (
        "https://hosts.evil.example/client.json",
        "https://evil.example/hosts.larkfield.example/client.json",
        f"http://{TRUSTED}/client.json",
        f"https://{TRUSTED}.evil.example/client.json",
        f"https://{TRUSTED}@evil.example/client.json",
    ):
        answer = Browser(at(believing)).open(client_id=client_id)
        assert answer.status_code == 400, client_id
        assert "location" not in answer.headers
