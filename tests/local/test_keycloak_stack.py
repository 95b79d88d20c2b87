"""`make up IDP=keycloak`: a whole stack whose people sign in at Keycloak itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from identity import real_keycloak
from keycloak import KeycloakAdmin
from live.commands import made, one_allowed_call_each
from live.conftest import ROOT

from mcp_local import control, ledger_view
from mcp_local.load import Stack
from mcp_local.stack import place_for_test, started
from mcp_realm import admin as door

START_SECONDS = 600.0  # its build, where this is its first use
HOST, ELSEWHERE = "mcp-host", "http://127.0.0.1/elsewhere"

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def stack(run_folder: Path) -> Iterator[Stack]:
    real_keycloak.required()
    here = replace(place_for_test(run_folder / "keycloak-stack", ROOT), idp="keycloak")
    stack = Stack(here)
    with started(stack, START_SECONDS):
        yield stack


def administrator(stack: Stack) -> KeycloakAdmin:
    password = (stack.here.secrets / "keycloak-admin").read_text().strip()
    return door.signed_in(stack.here.issuer_base, "mcp", door.Login("admin", password))


def signing(stack: Stack) -> set[str]:
    at = f"{stack.here.issuer}/protocol/openid-connect/certs"
    return {key["kid"] for key in httpx2.get(at).json()["keys"]}


async def test_governed_calls_are_made_with_keycloaks_tokens(stack: Stack) -> None:
    calls = one_allowed_call_each(stack)
    outcomes = await made(stack, calls)
    assert [outcome for outcome in outcomes if not outcome.as_expected] == []
    assert len(outcomes) == len(stack.plan.servers())
    verified, words = ledger_view.verified(stack.filler())
    assert verified == "yes", words


def test_no_secret_of_it_is_told(stack: Stack) -> None:
    password = (stack.here.secrets / "keycloak-admin").read_text().strip()
    assert (stack.here.secrets / "keycloak-admin").stat().st_mode & 0o077 == 0
    for log in stack.here.logs.iterdir():
        assert password not in log.read_text("utf-8", "replace"), log.name
    assert password not in stack.here.stack.read_text()


async def test_a_later_start_mends_the_realm_and_keeps_keys_and_people(stack: Stack) -> None:
    admin = administrator(stack)
    (host,) = [one for one in admin.get_clients() if one["clientId"] == HOST]
    admin.update_client(host["id"], {**host, "redirectUris": [ELSEWHERE]})
    ana = admin.get_user_id("ana")
    keys = signing(stack)
    control.stop(stack.here)
    control.start(stack.here, stack.plan)
    control.wait_ready(stack.here, lambda _: None, START_SECONDS)
    admin = administrator(stack)
    assert ELSEWHERE not in admin.get_client(host["id"])["redirectUris"]
    assert admin.get_user_id("ana") == ana
    assert signing(stack) == keys
    outcomes = await made(stack, one_allowed_call_each(stack)[:1])
    assert all(outcome.as_expected for outcome in outcomes)
