"""What the hand-kept base promises, read from the file itself."""

import json
import re
from typing import Any

import pytest
from people import BASE_REALM

REALM: dict[str, Any] = json.loads(BASE_REALM.read_text(encoding="utf-8"))
CLIENTS = {client["clientId"]: client for client in REALM["clients"]}


def test_tokens_are_short_and_refresh_tokens_work_once() -> None:
    assert REALM["accessTokenLifespan"] == 300
    assert REALM["revokeRefreshToken"] is True
    assert REALM["refreshTokenMaxReuse"] == 0
    assert REALM["defaultSignatureAlgorithm"] == "RS256"
    assert REALM["ssoSessionMaxLifespan"] == 10 * 3600
    assert REALM["offlineSessionMaxLifespan"] <= REALM["ssoSessionMaxLifespan"]


def test_guessing_is_bounded_and_events_are_kept() -> None:
    assert REALM["bruteForceProtected"] is True
    assert REALM["failureFactor"] <= 10
    assert REALM["eventsEnabled"]
    assert REALM["adminEventsEnabled"]
    assert not REALM["registrationAllowed"]


def test_pkce_s256_is_the_whole_realms_rule_and_each_clients() -> None:
    (profile,) = REALM["clientProfiles"]["profiles"]
    (policy,) = REALM["clientPolicies"]["policies"]
    assert [executor["executor"] for executor in profile["executors"]] == ["pkce-enforcer"]
    assert policy["enabled"]
    assert policy["profiles"] == [profile["name"]]
    assert policy["conditions"] == [{"condition": "any-client", "configuration": {}}]
    for client in CLIENTS.values():
        if client["standardFlowEnabled"]:
            assert client["attributes"]["pkce.code.challenge.method"] == "S256"


def test_built_in_scopes_are_all_there() -> None:
    """A realm file that lists scopes suppresses Keycloak's own; `sub` would be gone."""
    names = {scope["name"] for scope in REALM["clientScopes"]}
    assert {"basic", "profile", "email", "roles", "offline_access", "mcp-roles"} <= names
    for client in CLIENTS.values():
        assert client["defaultClientScopes"] == ["basic", "profile", "email", "mcp-roles"]
        assert "offline_access" not in client["optionalClientScopes"]


@pytest.mark.parametrize("client_id", CLIENTS)
def test_redirects_are_whole_and_on_this_machine(client_id: str) -> None:
    client = CLIENTS[client_id]
    assert not client["implicitFlowEnabled"]
    assert client["fullScopeAllowed"] is False
    assert bool(client["redirectUris"]) == client["standardFlowEnabled"]
    for uri in client["redirectUris"]:
        plain = re.sub(r"\$\{[A-Z_]+(?::([^}]*))?\}", r"\1", uri)
        assert "*" not in plain
        assert re.match(r"http://(localhost|127\.0\.0\.1)[:/]|cursor://", plain), uri


def test_hosts_ask_for_consent_and_only_the_development_client_takes_passwords() -> None:
    hosts = {name for name, c in CLIENTS.items() if c["attributes"].get("mcp.host") == "true"}
    with_password = {name for name, c in CLIENTS.items() if c["directAccessGrantsEnabled"]}
    assert with_password == {"mcp-dev-cli"}
    assert CLIENTS["mcp-dev-cli"]["attributes"]["mcp.development"] == "true"
    for name in hosts - with_password:
        assert CLIENTS[name]["publicClient"]
        assert CLIENTS[name]["consentRequired"]


def test_each_role_has_a_group_of_its_name_that_carries_it() -> None:
    groups = {group["name"]: group for group in REALM["groups"]}
    for role in REALM["roles"]["realm"]:
        assert groups[role["name"]]["realmRoles"] == [role["name"]]
    data = {name for name in groups if name.startswith("region-")}
    assert data == {
        f"region-{r}" for r in ["africa", "america", "asia", "europe", "middle-east", "all"]
    }
    assert not any(groups[name]["realmRoles"] for name in data)


def test_people_have_fixed_subjects_and_no_password_in_the_file() -> None:
    people = {user["username"]: user for user in REALM["users"]}
    assert set(people) == {"ana", "ben", "cho", "dee", "olu"}
    assert len({user["id"] for user in people.values()}) == len(people)
    for user in people.values():
        assert [c["value"] for c in user["credentials"]] == ["${DEMO_PASSWORD}"]
