"""What Keycloak's administration does, which the development issuer has not."""

from collections.abc import Iterator

import httpx2
import pytest
from browser import Browser, callback
from identity import real_keycloak, signing_keys
from keycloak import KeycloakAdmin
from people import Issuer

BY_HAND = "http://127.0.0.1:43123/callback"


@pytest.fixture
def admin(issuer: Issuer) -> KeycloakAdmin:
    real_keycloak.required()
    return signing_keys.administration(issuer)


@pytest.fixture
def leaver(issuer: Issuer, admin: KeycloakAdmin) -> Iterator[str]:
    """The id of somebody who works here still."""
    password = {"type": "password", "value": issuer.password, "temporary": False}
    person = admin.create_user(
        {
            "username": "lea",
            "enabled": True,
            "email": "lea@larkfield.example",
            "emailVerified": True,
            "firstName": "Lea",
            "lastName": "Leaver",
            "groups": ["/sales"],
            "credentials": [password],
        }
    )
    yield str(person)
    if admin.get_users({"username": "lea", "exact": True}):
        admin.delete_user(person)


@pytest.mark.parametrize("way", ["disabled", "removed"])
def test_who_has_left_gets_nothing_more(
    issuer: Issuer, admin: KeycloakAdmin, leaver: str, browser: Browser, way: str
) -> None:
    """What is left to them is the token they hold, for as long as that lives."""
    tokens = browser.tokens("lea")
    assert issuer.exchange(tokens["access_token"], "crm").status_code == 200
    if way == "disabled":
        admin.update_user(leaver, {"enabled": False})
    else:
        admin.delete_user(leaver)
    refreshed = issuer.ask(
        grant_type="refresh_token", client_id="mcp-host", refresh_token=tokens["refresh_token"]
    )
    assert refreshed.json()["error"] == "invalid_grant"
    assert issuer.exchange(tokens["access_token"], "crm").status_code == 400
    token = tokens["access_token"]
    said = issuer.post("token/introspect", token=token, **issuer.assertion(issuer.aggregate))
    assert said.json() == {"active": False}
    answer = issuer.ask(
        grant_type="password", client_id="mcp-dev-cli", username="lea", password=issuer.password
    )
    assert answer.status_code in {400, 401}


def test_a_client_made_by_hand_needs_pkce_all_the_same(
    issuer: Issuer, admin: KeycloakAdmin
) -> None:
    made = admin.create_client(
        {"clientId": "by-hand", "publicClient": True, "redirectUris": [BY_HAND], "attributes": {}}
    )
    try:
        browser = Browser(issuer, "by-hand", BY_HAND)
        for challenge in ({"code_challenge": None, "code_challenge_method": None},
                          {"code_challenge_method": "plain"}):  # fmt: skip
            back = callback(browser.open(scope="openid", **challenge))
            assert (back["error"], back["iss"]) == ("invalid_request", issuer.url)
        assert "password" in browser.open(scope="openid").text
    finally:
        admin.delete_client(made)


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("person", ["ana", "olu"])
def test_nobody_of_the_realm_administers_it(issuer: Issuer, person: str) -> None:
    """An operator of the gateway is none of the issuer."""
    at = f"{issuer.url.replace('/realms/', '/admin/realms/')}/users"
    answer = httpx2.get(at, headers={"Authorization": f"Bearer {issuer.token(person)}"})
    assert answer.status_code in {401, 403}
