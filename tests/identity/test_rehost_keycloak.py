"""A realm of a running Keycloak at another public URL: what opens, what shuts, and back again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from identity import real_keycloak
from identity.realms import Applied, a_realm
from identity.test_rehost import clone
from people import Issuer

from mcp_realm.rehost import Clone, main

__all__ = ["clone"]

OLD, NEW = "https://mcp.old.example", "https://mcp.new.example"
PASSWORD = "correct horse battery"


@pytest.fixture
def moving(issuer: Issuer) -> Iterator[Applied]:
    real_keycloak.required()
    with a_realm(issuer) as applied:
        assert applied.apply(applied.target(gateway=OLD)) == 0, applied.told
        admin = applied.admin()
        credentials = [{"type": "password", "value": PASSWORD, "temporary": False}]
        admin.create_user(
            {"username": "ana", "enabled": True, "email": "ana@larkfield.example",
             "firstName": "Ana", "lastName": "Ferreira", "groups": ["/analyst"],
             "credentials": credentials}
        )  # fmt: skip
        yield applied


def at(applied: Applied, gateway: str) -> Issuer:
    return replace(applied.issuer, url=applied.url, gateway=gateway, password=PASSWORD)


def test_a_realm_moves_with_its_people_and_comes_back(moving: Applied) -> None:
    old, new = at(moving, OLD), at(moving, NEW)
    signed_in = old.ask(
        grant_type="password", client_id="mcp-dev-cli", username="ana", password=PASSWORD,
        scope="aud:crm",
    ).json()  # fmt: skip
    assert old.claims(signed_in["access_token"])["aud"] == f"{OLD}/servers/crm/mcp"
    assert old.exchange(signed_in["access_token"], "crm", at=f"{OLD}/servers/crm/mcp").status_code == 200  # fmt: skip

    target = moving.target(gateway=NEW)
    assert moving.apply(target) == 0, moving.told
    assert "WRONG" not in moving.told
    gone = [line for line in moving.said if line.startswith("  left over: client")]
    assert len(gone) == 4, moving.told
    assert all(OLD in line for line in gone)

    # the person is who they were, their token names the new door, and the gateway exchanges it
    token = new.token("ana", "aud:crm")
    said = new.claims(token)
    assert said["aud"] == f"{NEW}/servers/crm/mcp"
    assert said["sub"] == old.claims(signed_in["access_token"])["sub"]
    assert said["realm_access"]["roles"] == ["analyst"]
    there = new.exchange(token, "crm", at=f"{NEW}/servers/crm/mcp")
    assert new.claims(there.json()["access_token"])["aud"] == "http://crm.internal/mcp"
    # the old door's token opens nothing at the new one, nor does anybody get another
    refused = new.exchange(signed_in["access_token"], "crm", at=f"{NEW}/servers/crm/mcp")
    assert refused.status_code == 403, refused.text
    asked = new.ask(
        grant_type="password", client_id="mcp-dev-cli", username="ana", password=PASSWORD,
        scope="aud:crm", resource=f"{OLD}/servers/crm/mcp",
    )  # fmt: skip
    assert (
        asked.status_code == 400 or new.claims(asked.json()["access_token"])["aud"] == said["aud"]
    )
    # a session begun before the move goes on, towards the new door
    again = new.ask(
        grant_type="refresh_token", client_id="mcp-dev-cli",
        refresh_token=signed_in["refresh_token"],
    )  # fmt: skip
    assert new.claims(again.json()["access_token"])["aud"] == said["aud"]

    assert moving.apply(target, prune=True) == 0, moving.told
    assert not [c for c in moving.admin().get_clients() if c["clientId"].startswith(OLD)]
    assert moving.apply(target, check=True) == 0

    assert moving.apply(moving.target(gateway=OLD), prune=True) == 0, moving.told
    assert old.claims(old.token("ana", "aud:mcp"))["aud"] == f"{OLD}/mcp"
    assert not [c for c in moving.admin().get_clients() if c["clientId"].startswith(NEW)]


def test_the_command_moves_keycloak_and_the_files_together(
    moving: Applied, clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make rehost URL=… KEYCLOAK=1`, there and back; asked nothing, it changes nothing."""
    text = clone.config.read_text("utf-8")
    clone.config.write_text(text.replace("https://id.old.example/realms/mcp", moving.url))
    for name, value in moving.environ(STACK_ROOT=str(clone.root)).items():
        monkeypatch.setenv(name, value)
    before = clone.config.read_bytes()
    assert main([NEW, "--keycloak", "--check"]) == 1
    assert main([NEW, "--keycloak"]) == 2
    assert clone.config.read_bytes() == before
    assert not [c for c in moving.admin().get_clients() if c["clientId"].startswith(NEW)]
    assert main([NEW, "--keycloak", "--yes"]) == 0
    assert f"public_url: {NEW}" in clone.config.read_text("utf-8")
    assert at(moving, NEW).claims(at(moving, NEW).token("ana"))["aud"] == f"{NEW}/mcp"
    assert main([OLD, "--keycloak", "--yes", "--prune"]) == 0
    assert clone.config.read_bytes() == before
    assert at(moving, OLD).claims(at(moving, OLD).token("ana"))["aud"] == f"{OLD}/mcp"
