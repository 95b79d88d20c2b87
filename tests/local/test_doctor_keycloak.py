"""What the doctor says of Keycloak itself, where the fault is an administrator's."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from identity.real_keycloak import required, running_keycloak
from keycloak import KeycloakAdmin, KeycloakOpenIDConnection
from local.ill_issuer import line_of, stack_of
from people import Issuer

from mcp_local.doctor_identity import clock, keys
from mcp_local.doctor_realm import audience, pkce, redirects
from mcp_local.load import Stack

CLIENT, POLICY_KEY = '"clientId": "%s"', '"clientPolicies"'
POLICIES = "admin/realms/mcp/client-policies/policies"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    required()
    return tmp_path_factory.mktemp("keycloak")


@pytest.fixture(scope="module")
def issuer(folder: Path) -> Iterator[Issuer]:
    with running_keycloak(folder) as running:
        yield running


@pytest.fixture
def stack(tmp_path: Path, issuer: Issuer, folder: Path) -> Iterator[Stack]:
    with stack_of(tmp_path, issuer, idp="keycloak") as made:
        yield made


@pytest.fixture
def admin(issuer: Issuer) -> KeycloakAdmin:
    connection = KeycloakOpenIDConnection(
        server_url=issuer.url.partition("/realms/")[0], realm_name="mcp",
        user_realm_name="master", client_id="admin-cli",
        username="admin", password=issuer.admin_password,
    )  # fmt: skip
    return KeycloakAdmin(connection=connection)


def client_of(admin: KeycloakAdmin, name: str) -> dict[str, Any]:
    return dict(admin.get_client(admin.get_client_id(name) or ""))


def test_a_healthy_keycloak_has_no_finding(stack: Stack) -> None:
    for check in (keys, clock, audience, pkce, redirects):
        assert check(stack).good, check(stack).what


def test_a_client_that_signs_in_without_pkce_is_told_with_its_line(
    stack: Stack, admin: KeycloakAdmin
) -> None:
    """Keycloak asks for PKCE nowhere by itself: both locks have to be open for the fault."""
    client = client_of(admin, "mcp-host")
    said = admin.connection.raw_get(POLICIES).json()
    off = {"policies": [{**one, "enabled": False} for one in said["policies"]]}
    admin.connection.raw_put(POLICIES, data=json.dumps(off)).raise_for_status()
    attributes = {**client["attributes"], "pkce.code.challenge.method": ""}
    admin.update_client(client["id"], {**client, "attributes": attributes})
    try:
        found = pkce(stack)
    finally:
        admin.connection.raw_put(POLICIES, data=json.dumps(said)).raise_for_status()
        admin.update_client(client["id"], client)
    assert not found.good
    where = f"infra/keycloak/realm.json:{line_of(CLIENT % 'mcp-host')}"
    assert found.what.startswith("PKCE is not enforced: ")
    assert f"mcp-host may sign in without a challenge ({where})" in found.what
    policies = f"infra/keycloak/realm.json:{line_of(POLICY_KEY)} clientPolicies"
    assert policies in found.remedy
    assert "make realm" in found.remedy
    assert pkce(stack).good


def test_an_audience_mapper_that_somebody_removed_is_told(
    stack: Stack, admin: KeycloakAdmin
) -> None:
    (scope,) = (one for one in admin.get_client_scopes() if one["name"] == "aud:mcp")
    (mapper,) = admin.get_mappers_from_client_scope(scope["id"])
    admin.delete_mapper_from_client_scope(scope["id"], mapper["id"])
    try:
        found = audience(stack)
    finally:
        kept = {key: value for key, value in mapper.items() if key != "id"}
        admin.add_mapper_to_client_scope(scope["id"], kept)
    assert not found.good
    assert "not for http://localhost:8080/mcp" in found.what
    assert "`make realm` makes it" in found.remedy
    assert audience(stack).good


def test_a_host_that_came_to_another_address_is_read_from_keycloaks_log(
    stack: Stack, issuer: Issuer, folder: Path
) -> None:
    stranger = "http://127.0.0.1:5000/oauth/done"
    Browser(issuer, client_id="claude-code", redirect_uri=stranger).open()
    shutil.copy(folder / "keycloak.log", stack.here.logs / "keycloak.log")
    found = redirects(stack)
    assert not found.good
    assert f"claude-code came with {stranger}; infra/keycloak/realm.json:" in found.what
