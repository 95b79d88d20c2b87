"""`make realm` at a real Keycloak: made, mended, finished, and never more than its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from identity import real_keycloak
from identity.conftest import RESOURCE_INDICATORS
from identity.realms import Applied, a_realm
from keycloak.exceptions import KeycloakError
from people import BASE_REALM, Issuer

from mcp_realm import apply_found, apply_steps, apply_wanted
from mcp_realm.admin import CannotError
from mcp_realm.compare import Change, compare

HOST, BACKEND = "mcp-host", "http://crm.internal/mcp"
POLICIES = "client-policies/policies"


@pytest.fixture(scope="module")
def keycloak() -> None:
    real_keycloak.required()


@pytest.fixture(scope="module")
def standing(keycloak: None, issuer: Issuer) -> Iterator[Applied]:
    """A realm as `make realm` made it; each test leaves it mended."""
    with a_realm(issuer) as applied:
        assert applied.apply() == 0, applied.told
        yield applied


@pytest.fixture
def fresh(keycloak: None, issuer: Issuer) -> Iterator[Applied]:
    with a_realm(issuer) as applied:
        yield applied


def test_a_realm_that_is_not_there_is_made_and_the_second_run_changes_nothing(
    fresh: Applied,
) -> None:
    assert fresh.apply(check=True) == 1
    assert f"+ realm {fresh.name}, with" in fresh.told
    assert fresh.apply() == 0
    assert "WRONG" not in fresh.told
    assert "a token for each of 4 endpoints names it alone" in fresh.told
    assert "sign-in without PKCE is refused" in fresh.told
    assert "nobody registers a client without a token" in fresh.told
    assert fresh.admin().get_users() == []
    assert fresh.apply(check=True) == 0
    assert "nothing to change" in fresh.told


def test_what_was_bent_by_hand_is_shown_field_by_field_and_mended(standing: Applied) -> None:
    admin = standing.admin()
    host = standing.client(HOST)
    admin.update_client(host["id"], {**host, "redirectUris": ["https://evil.example/"], "consentRequired": False})  # fmt: skip
    backend = standing.client(BACKEND)
    widened = {**backend["attributes"], "standard.token.exchange.enabled": "true"}
    admin.update_client(backend["id"], {**backend, "attributes": widened})
    admin.update_realm(standing.name, {"accessTokenLifespan": 86400, "bruteForceProtected": False})
    (sales,) = [group for group in admin.get_groups() if group["name"] == "sales"]
    admin.assign_group_realm_roles(sales["id"], [admin.get_realm_role("operator")])
    admin.connection.raw_put(f"admin/realms/{standing.name}/{POLICIES}", data='{"policies": []}')
    scopes = {scope["name"]: scope for scope in admin.get_client_scopes()}
    admin.delete_mapper_from_client_scope(
        scopes["aud:crm"]["id"], scopes["aud:crm"]["protocolMappers"][0]["id"]
    )
    admin.add_client_optional_client_scope(host["id"], scopes["srv:crm"]["id"], {})
    for component in admin.get_components({"type": apply_found.REGISTRATION}):
        if component["providerId"] == "trusted-hosts":
            admin.delete_component(component["id"])

    assert standing.apply(check=True) == 1
    for line in (
        "    accessTokenLifespan: 86400 → 300",
        "    bruteForceProtected: false → true",
        "+ client policy pkce-for-everyone",
        "+ registration rule trusted-hosts",
        "    realmRoles: - operator",
        f"    mapper audience.config.included.client.audience: {standing.issuer.gateway}/servers/crm/mcp",
        "    redirectUris: + http://127.0.0.1/callback  + http://localhost/callback  - https://evil.example/",
        "    consentRequired: false → true",
        "    optionalClientScopes: - srv:crm",
        "    attributes.standard.token.exchange.enabled: true → false",
    ):
        assert line in standing.said, f"{line!r} is not in\n{standing.told}"
    assert standing.client(HOST)["consentRequired"] is False, "CHECK=1 changed something"

    assert standing.apply() == 0, standing.told
    assert "WRONG" not in standing.told
    assert standing.apply(check=True) == 0
    assert standing.client(HOST)["consentRequired"] is True


def test_people_and_what_others_made_are_left_as_they_are(standing: Applied) -> None:
    admin = standing.admin()
    admin.create_user({"username": "pat", "enabled": True, "attributes": {"floor": ["3"]}})
    admin.create_client({"clientId": "intranet", "redirectUris": ["https://intranet.example/"]})
    admin.create_realm_role({"name": "canteen"})
    admin.create_group({"name": "chess club"})
    policy = {"policies": [{"name": "theirs", "enabled": False, "conditions": [], "profiles": []}]}
    admin.connection.raw_put(f"admin/realms/{standing.name}/{POLICIES}", data=json.dumps(policy))
    before = (standing.client("intranet"), admin.get_users())
    assert standing.apply(prune=True) == 0, standing.told
    for line in ("client intranet", "role canteen", "group chess club", "policy theirs"):
        assert f"  foreign: {line} (not made here; left alone)" in standing.said
    assert (standing.client("intranet"), admin.get_users()) == before
    names = [p["name"] for p in apply_found.policies(admin, standing.name, "policies")]
    assert sorted(names) == ["pkce-for-everyone", "theirs"]
    admin.delete_client(str(before[0]["id"]))


def test_a_foreign_audience_in_our_scope_is_left_and_told_as_wrong(standing: Applied) -> None:
    """What somebody else put there is theirs; that tokens now name two audiences is said aloud."""
    admin = standing.admin()
    (scope,) = [one for one in admin.get_client_scopes() if one["name"] == "aud:docs"]
    mapper = {
        "name": "theirs", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
        "config": {"included.custom.audience": "https://theirs.example", "access.token.claim": "true"},
    }  # fmt: skip
    admin.add_mapper_to_client_scope(scope["id"], mapper)
    try:
        assert standing.apply() == 1
        assert (
            "  foreign: mapper theirs in scope aud:docs (not made here; left alone)"
            in standing.said
        )
        assert "WRONG" in standing.told
        assert "https://theirs.example" in standing.told
    finally:
        (scope,) = [one for one in admin.get_client_scopes() if one["name"] == "aud:docs"]
        (theirs,) = [m for m in scope["protocolMappers"] if m["name"] == "theirs"]
        admin.delete_mapper_from_client_scope(scope["id"], theirs["id"])


class BrokenOffError(Exception):
    pass


def test_a_run_that_breaks_off_is_finished_by_the_next(fresh: Applied) -> None:
    """Into a realm that somebody made by hand, with Keycloak's own scopes in it."""
    target = fresh.target()
    admin = fresh.admin()
    admin.create_realm({"realm": fresh.name, "enabled": True})
    wanted = apply_wanted.wanted(target.derived)
    found = compare(wanted, apply_found.read(admin, fresh.name, {"mcp-roles"}))
    done: list[Change] = []

    def breaking(change: Change) -> None:
        done.append(change)
        if len(done) == 30:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        apply_steps.carry_out(admin, fresh.name, found.changes, breaking)
    assert fresh.apply(check=True) == 1
    assert fresh.apply() == 0, fresh.told
    assert "WRONG" not in fresh.told
    assert fresh.apply(check=True) == 0


def without(name: str, folder: Path) -> Path:
    """A realm.json in which one client is wanted no more."""
    realm: dict[str, Any] = json.loads(BASE_REALM.read_text("utf-8"))
    realm["clients"] = [one for one in realm["clients"] if one["clientId"] != name]
    file = folder / "realm.json"
    file.write_text(json.dumps(realm), "utf-8")
    return file


def test_leftovers_go_only_when_told_to(standing: Applied, tmp_path: Path) -> None:
    target = standing.target(base=without("cursor", tmp_path))
    assert standing.apply(target) == 0
    assert any(line.startswith("  left over: client cursor ") for line in standing.said)
    assert standing.client("cursor")
    assert standing.apply(target, prune=True) == 0
    assert "- client cursor" in standing.said
    with pytest.raises(ValueError, match="unpack"):
        standing.client("cursor")
    assert standing.apply() == 0
    assert standing.client("cursor")


@pytest.mark.skipif(not RESOURCE_INDICATORS, reason="this Keycloak has no experimental features")
def test_hosts_that_describe_themselves_are_let_in_and_shut_out_again(
    standing: Applied, tmp_path: Path
) -> None:
    realm: dict[str, Any] = json.loads(BASE_REALM.read_text("utf-8"))
    realm["attributes"] = {"mcp.cimd.trusted-domains": "claude.ai"}
    file = tmp_path / "realm.json"
    file.write_text(json.dumps(realm), "utf-8")
    assert standing.apply(standing.target(base=file)) == 0, standing.told
    assert "+ client policy mcp-cimd" in standing.said
    # our own clients are URLs, too: the policy does not catch them
    assert "the gateway's key opens each endpoint, and leads to its backends: 6" in standing.told
    assert standing.apply() == 0
    assert "- client policy mcp-cimd" in standing.said
    assert "mcp-cimd" not in str(apply_found.policies(standing.admin(), standing.name, "profiles"))


def test_who_may_not_is_told_what_is_missing(standing: Applied) -> None:
    with pytest.raises(CannotError, match="does not let admin of realm master in: invalid_grant"):
        standing.apply(standing.target(KEYCLOAK_ADMIN_PASSWORD="wrong"))
    master = standing.admin()
    master.change_current_realm("master")
    credentials = [{"type": "password", "value": "pass-of-nobody", "temporary": False}]
    master.create_user({"username": "nobody", "enabled": True, "credentials": credentials})
    try:
        nobody = standing.target(
            KEYCLOAK_ADMIN_USERNAME="nobody", KEYCLOAK_ADMIN_PASSWORD="pass-of-nobody"
        )
        with pytest.raises(CannotError, match=r"nobody may not .*manage-realm"):
            standing.apply(nobody)
    finally:
        master.delete_user(str(master.get_user_id("nobody")))


def test_keycloak_going_away_in_the_middle_is_one_sentence(
    standing: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done stays done, and the words say to run it again."""
    standing.admin().update_realm(standing.name, {"accessTokenLifespan": 60})

    def away(*_: Any, **__: Any) -> None:
        raise KeycloakError("Can't connect to server")

    with monkeypatch.context() as patch:
        patch.setattr("keycloak.KeycloakAdmin.update_realm", away)
        with pytest.raises(CannotError, match="does not answer"):
            standing.apply()
    assert "stopped after 0 of 1; run it again" in standing.said
    assert standing.apply() == 0
