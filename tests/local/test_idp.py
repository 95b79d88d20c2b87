"""IDP=keycloak: another part under the issuer's name, remembered until it is taken back."""

from pathlib import Path

import pytest
from local.small_stack import BASE, clone

from mcp_local.load import Stack
from mcp_local.place import Place, find_root, idp_of, place, prepare, remember
from mcp_local.plan import plan
from mcp_local.stack_toml import StackTomlError

HEAVY = """
[services.heavy]
when = "keycloak"
instead_of = "issuer"
public = "issuer"
process = { command = ["{python}", "{root}/dummy.py"], health = "/realms/mcp", patience = 300 }

[services.realm]
when = "keycloak"
needs = ["issuer"]
"""
WAITS = BASE.replace('["servers", "issuer"]', '["servers", "issuer", "realm"]')


def test_the_choice_takes_the_issuers_name_and_place(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", base=WAITS + HEAVY)
    found = plan(root, {"keycloak"})
    assert {part.name for part in found.parts} == {"issuer", "realm", "gateway", "alpha"}
    issuer = found.part("issuer")
    assert (issuer.health, issuer.patience, issuer.public) == ("/realms/mcp", 300, "issuer")
    assert found.part("gateway").needs == ("issuer", "realm", "alpha")


def test_without_the_choice_nothing_waits_for_its_parts(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", base=WAITS + HEAVY)
    found = plan(root)
    assert {part.name for part in found.parts} == {"issuer", "gateway", "alpha"}
    assert found.part("issuer").health == "/healthz"
    assert found.part("gateway").needs == ("issuer", "alpha")


def test_a_part_instead_of_nothing_is_named(tmp_path: Path) -> None:
    text = HEAVY.replace('instead_of = "issuer"', 'instead_of = "nobody"')
    with pytest.raises(StackTomlError, match="heavy is instead of nobody, which is not"):
        plan(clone(tmp_path / "c", base=WAITS + text), {"keycloak"})


def test_two_idps_are_two_stacks_to_make_up(tmp_path: Path) -> None:
    root = clone(tmp_path / "c", base=WAITS + HEAVY)
    assert plan(root).fingerprint != plan(root, {"keycloak"}).fingerprint


def test_the_choice_is_remembered_until_it_is_taken_back(tmp_path: Path) -> None:
    asked = {"STACK_RUN": str(tmp_path / "run"), "STACK_ROOT": str(clone(tmp_path / "c"))}
    for environ, idp in (
        (asked, "development"),
        ({**asked, "STACK_IDP": "keycloak"}, "keycloak"),
        (asked, "keycloak"),
        ({**asked, "STACK_IDP": "development"}, "development"),
        (asked, "development"),
    ):
        here = place(environ)
        assert here.idp == idp
        prepare(here)
        remember(here)


def test_another_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="IDP must be development or keycloak, not 'okta'"):
        idp_of({"STACK_IDP": "okta"}, tmp_path)


def test_with_tls_too_both_choices_hold(tmp_path: Path) -> None:
    assert Place(tmp_path, tmp_path, idp="keycloak", tls=True).choices == {"keycloak", "tls"}


def test_the_clones_own_stack_has_keycloak_on_request(tmp_path: Path) -> None:
    """Its secrets come as files' content in variables, never as arguments that others can read."""
    here = Place(find_root(Path(__file__)), tmp_path, idp="keycloak")
    stack = Stack(here)
    filler = stack.filler().with_any_port()
    issuer = stack.plan.part("issuer")
    password = filler.secrets.get("keycloak-admin")
    words = [*filler.command(issuer.command, issuer)]
    for step in issuer.setup:
        words += filler.command(step.command, issuer)
    assert password not in " ".join(words)
    assert filler.environment(issuer.env, issuer)["KEYCLOAK_ADMIN_PASSWORD"] == password
    assert "realm" in stack.plan.part("gateway").needs
