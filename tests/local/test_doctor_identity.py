"""What bites everyone who sets up identity, caused for real at an issuer, and what the doctor says."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from local.ill_issuer import gateway_that_names, line_of, realm_with, stack_of
from people import Issuer, running_issuer

from mcp_local.doctor_identity import clock, identity, keys, spelling
from mcp_local.doctor_realm import audience, pkce, redirects
from mcp_local.load import Stack
from mcp_local.ports import free_port

CLIENT = '"clientId": "%s"'
AHEAD = """
import time
real = time.time
time.time = lambda: real() + 120
"""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with running_issuer(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture
def stack(tmp_path: Path, issuer: Issuer) -> Iterator[Stack]:
    with (
        gateway_that_names(issuer.url) as gateway,
        stack_of(tmp_path, issuer, gateway=gateway) as made,
    ):
        yield made


@pytest.fixture
def plain(tmp_path: Path, issuer: Issuer) -> Iterator[Stack]:
    """Its gateway is the one that the issuer's realm was derived for."""
    with stack_of(tmp_path, issuer) as made:
        yield made


def test_a_healthy_issuer_has_no_finding(stack: Stack) -> None:
    for check in (identity, spelling, keys, clock):
        assert check(stack).good, check(stack).what


def test_a_healthy_realm_has_no_finding(plain: Stack) -> None:
    for check in (audience, pkce, redirects):
        assert check(plain).good, check(plain).what
    assert pkce(plain).what == "PKCE S256 is enforced (14 sign-ins without it refused)"


def test_nothing_is_asked_of_a_stack_that_does_not_run(tmp_path: Path, issuer: Issuer) -> None:
    with stack_of(tmp_path, issuer) as made:
        pass
    for check in (identity, keys, clock, audience, pkce, redirects):
        assert check(made).good


@pytest.mark.parametrize(
    ("named", "remedy"),
    [
        ("http://127.0.0.1:{port}", "are two names to a token: write localhost everywhere"),
        ("http://localhost:{other}", "belongs in GATEWAY_ISSUER_INTERNAL, never in the issuer"),
    ],
)
def test_an_issuer_that_calls_itself_otherwise_is_named(
    tmp_path: Path, named: str, remedy: str
) -> None:
    port = free_port()
    url = named.format(port=port, other=free_port())
    environment = {"IDP_PUBLIC_URL": url}
    with (
        running_issuer(tmp_path / "issuer", port=port, environment=environment) as it,
        gateway_that_names(it.url) as gateway,
        stack_of(tmp_path, it, gateway=gateway) as made,
    ):
        found = identity(made)
    assert not found.good
    assert found.what == f"the issuer calls itself {url}/realms/mcp, not {it.url}"
    assert remedy in found.remedy
    assert "infra/local/stack.toml:5 IDP_PUBLIC_URL" in found.remedy


def test_a_gateway_that_names_another_issuer_is_named(tmp_path: Path, issuer: Issuer) -> None:
    other = issuer.url.replace("localhost", "127.0.0.1")
    with gateway_that_names(other) as gateway, stack_of(tmp_path, issuer, gateway=gateway) as made:
        found = identity(made)
    assert found.what == f"the gateway does not name {issuer.url} but {other}"
    assert "write localhost everywhere" in found.remedy
    assert "gateway/gateway.yaml:2 issuer, which GATEWAY_ISSUER overrides" in found.remedy


def test_the_other_name_of_this_machine_is_found_in_files_and_variables(plain: Stack) -> None:
    root = plain.here.root
    (root / "gateway" / "gateway.yaml").write_text(
        "public_url: http://localhost:8080\nissuer: http://127.0.0.1:8081/realms/mcp\nservers: []\n"
    )
    (root / ".mcp.json").write_text('{"mcpServers": {"a": {\n"url": "http://127.0.0.1:8080/mcp"}}}')
    found = spelling(plain, {"GATEWAY_PUBLIC_URL": "http://[::1]:8080"})
    assert not found.good
    assert "gateway/gateway.yaml:2 says issuer: http://127.0.0.1:8081/realms/mcp" in found.what
    assert '.mcp.json:2 says "url": "http://127.0.0.1:8080/mcp"' in found.what
    assert "GATEWAY_PUBLIC_URL says http://[::1]:8080" in found.what


def test_a_client_of_something_else_on_this_machine_is_left_alone(plain: Stack) -> None:
    (plain.here.root / ".mcp.json").write_text('{"url": "http://127.0.0.1:8080999/mcp"}')
    assert spelling(plain, {}).good


def test_keys_that_the_gateway_cannot_reach_are_named_with_the_line(
    tmp_path: Path, issuer: Issuer
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with stack_of(tmp_path, issuer, internal=nobody) as made:
        found = keys(made)
    assert not found.good
    at = f"{nobody}/realms/mcp/protocol/openid-connect/certs"
    assert found.what.startswith(f"The issuer's keys cannot be read at {at}: ")
    assert "infra/local/stack.toml:10 GATEWAY_ISSUER_INTERNAL" in found.remedy


def test_a_file_of_the_stack_that_cannot_be_read_is_no_end_of_the_doctor(plain: Stack) -> None:
    (plain.here.root / "infra" / "local" / "stack.toml").write_text("[services.")
    assert keys(Stack(plain.here)).good


def test_a_clock_of_the_issuer_that_is_ahead_is_told_with_what_it_does(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AHEAD)
    environment = {"PYTHONPATH": str(tmp_path)}
    with (
        running_issuer(tmp_path / "issuer", environment=environment) as it,
        stack_of(tmp_path, it) as made,
    ):
        found = clock(made)
    assert not found.good
    assert "s ahead of this one: its tokens are not valid yet, 30 s are forgiven" in found.what
    assert "NTP" in found.remedy


def test_a_token_without_the_audience_is_told_with_the_mapper(tmp_path: Path) -> None:
    def without_mapper(realm: dict[str, Any]) -> None:
        (scope,) = (one for one in realm["clientScopes"] if one["name"] == "aud:mcp")
        scope["protocolMappers"] = []

    environment = realm_with(tmp_path / "realm", without_mapper)
    with (
        running_issuer(tmp_path / "issuer", environment=environment) as it,
        stack_of(tmp_path, it) as made,
    ):
        found = audience(made)
    assert not found.good
    assert "is for nobody, not for http://localhost:8080/mcp" in found.what
    assert "Client scopes, aud:mcp, Mappers: an Audience mapper" in found.remedy


def test_a_scope_that_the_client_may_not_ask_for_is_told(tmp_path: Path) -> None:
    def without_scope(realm: dict[str, Any]) -> None:
        for client in realm["clients"]:
            client["optionalClientScopes"] = []

    environment = realm_with(tmp_path / "realm", without_scope)
    with (
        running_issuer(tmp_path / "issuer", environment=environment) as it,
        stack_of(tmp_path, it) as made,
    ):
        found = audience(made)
    assert not found.good
    assert found.what.startswith("ana gets no token with scope aud:mcp: invalid_scope")
    assert f"infra/keycloak/realm.json:{line_of('mcp-dev-cli')}" in found.remedy


def test_a_realm_that_is_older_than_its_file_is_told_with_the_line(tmp_path: Path) -> None:
    def older(realm: dict[str, Any]) -> None:
        (client,) = (one for one in realm["clients"] if one["clientId"] == "vscode")
        client["redirectUris"] = ["http://127.0.0.1/"]

    environment = realm_with(tmp_path / "realm", older)
    with (
        running_issuer(tmp_path / "issuer", environment=environment) as it,
        stack_of(tmp_path, it) as made,
    ):
        found = redirects(made)
    where = f"infra/keycloak/realm.json:{line_of(CLIENT % 'vscode')}"
    assert found.what == (
        f"the issuer refuses vscode at http://localhost/, which {where} registers"
    )
    assert "make restart NAME=issuer" in found.remedy


def test_a_host_that_came_back_to_another_address_is_told_what_to_register(
    tmp_path: Path,
) -> None:
    stranger = "http://127.0.0.1:5000/oauth/done"
    with running_issuer(tmp_path / "issuer") as it, stack_of(tmp_path / "s", it) as made:
        Browser(it, client_id="claude-code", redirect_uri=stranger).open()
        shutil.copy(tmp_path / "issuer" / "idp.log", made.here.logs / "issuer.log")
        found = redirects(made)
    assert not found.good
    where = f"infra/keycloak/realm.json:{line_of(CLIENT % 'claude-code')}"
    assert f"claude-code came with {stranger}; {where} registers" in found.what
    assert "Add that URI to the client's redirectUris, exactly" in found.remedy


def test_words_of_a_stranger_that_could_move_a_cursor_are_not_shown(
    tmp_path: Path,
) -> None:
    with running_issuer(tmp_path / "issuer") as it, stack_of(tmp_path / "s", it) as made:
        Browser(it, redirect_uri="http://127.0.0.1:5000/\x1b[2J").open()
        shutil.copy(tmp_path / "issuer" / "idp.log", made.here.logs / "issuer.log")
        assert "redirect refused" in (made.here.logs / "issuer.log").read_text()
        assert redirects(made).good
