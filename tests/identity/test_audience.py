"""Which token is for whom. One scope, one audience; none by default."""

import pytest
from people import Issuer


@pytest.mark.parametrize("server", ["warehouse", "crm", "docs"])
def test_a_servers_scope_gives_exactly_its_endpoint(issuer: Issuer, server: str) -> None:
    assert issuer.claims(issuer.token("ana", f"aud:{server}"))["aud"] == issuer.endpoint(server)


def test_the_aggregate_scope_gives_exactly_the_aggregate(issuer: Issuer) -> None:
    assert issuer.claims(issuer.token("ana", "aud:mcp"))["aud"] == issuer.aggregate


def test_without_a_scope_a_token_is_for_nobody(issuer: Issuer) -> None:
    assert "aud" not in issuer.claims(issuer.token("ana", "openid"))


def test_two_scopes_give_two_audiences_which_the_gateway_refuses(issuer: Issuer) -> None:
    said = issuer.claims(issuer.token("ana", "aud:mcp aud:crm"))
    assert set(said["aud"]) == {issuer.aggregate, issuer.endpoint("crm")}


@pytest.mark.parametrize(
    ("person", "roles", "groups"),
    [
        ("ana", {"analyst"}, {"analyst", "region-all"}),
        ("ben", {"sales"}, {"sales", "region-europe"}),
        ("cho", {"support"}, {"support", "region-asia"}),
        ("dee", {"contractor"}, {"contractor"}),
        ("olu", {"operator", "auditor"}, {"operator", "auditor"}),
    ],
)
def test_groups_carry_roles_into_the_token(
    issuer: Issuer, person: str, roles: set[str], groups: set[str]
) -> None:
    """Roles are filtered per client unless they are mapped to a scope; a slip empties this."""
    said = issuer.claims(issuer.token(person))
    assert set(said["realm_access"]["roles"]) == roles
    assert set(said["groups"]) == groups
    assert "resource_access" not in said


def test_a_person_without_a_role_gets_neither_roles_nor_groups(issuer: Issuer) -> None:
    said = issuer.claims(issuer.token("neo"))
    assert said["preferred_username"] == "neo"
    assert "realm_access" not in said
    assert "groups" not in said


def test_subjects_are_the_same_at_every_sign_in(issuer: Issuer) -> None:
    subject = issuer.claims(issuer.token("ana"))["sub"]
    assert subject == issuer.claims(issuer.token("ana", "aud:crm"))["sub"]
    assert subject == "5c1a3e52-7d0b-4b5e-9d3a-0a6f1f7e0a01"


def test_a_backends_scope_is_not_for_people(issuer: Issuer) -> None:
    answer = issuer.ask(
        grant_type="password",
        client_id="mcp-dev-cli",
        username="ana",
        password=issuer.password,
        scope="srv:crm",
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_every_token_has_its_own_id(issuer: Issuer) -> None:
    ids = {issuer.claims(issuer.token("ana"))["jti"] for _ in range(5)}
    assert len(ids) == 5
