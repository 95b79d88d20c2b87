"""What is the development issuer's own: where it refuses to run, its keys, its pages, its logs."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from browser import Browser
from people import Issuer, running_issuer
from pydantic import ValidationError

from mcp_local.ports import free_port
from sandbox_idp.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("development")


@pytest.fixture(scope="module")
def development(folder: Path) -> Iterator[Issuer]:
    with running_issuer(folder) as it:
        yield it


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"profile": "production"}, "does not start in production"),
        ({"profile": "Prod"}, "does not start in production"),
        ({"host": "0.0.0.0"}, "loopback only"),
        ({"host": "::"}, "loopback only"),
        ({"host": "192.0.2.1"}, "loopback only"),
        ({"host": "example.com"}, "loopback only"),
        ({"public_url": "https://id.example.com"}, "loopback origin"),
        ({"public_url": "http://localhost:8081/realms"}, "loopback origin"),
    ],
)
def test_it_has_no_settings_for_other_places(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(realm_file=Path("realm.json"), **changes)  # type: ignore[arg-type]
    for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        assert Settings(realm_file=Path("realm.json"), host=host).host == host


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"IDP_PROFILE": "production"}, "does not start in production"),
        ({"IDP_HOST": "0.0.0.0"}, "IDP_HOST"),
        ({"DEMO_PASSWORD": ""}, "DEMO_PASSWORD"),
    ],
)
def test_it_refuses_to_start_in_one_sentence(
    folder: Path, development: Issuer, environment: dict[str, str], said: str
) -> None:
    right = {
        "IDP_REALM_FILE": str(folder / "realm.json"),
        "IDP_PORT": str(free_port()),
        "DEMO_PASSWORD": "a-demo-password",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "sandbox_idp"],
        env={**os.environ, **right, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def signing_keys(issuer: Issuer) -> list[str]:
    return [key["kid"] for key in httpx2.get(issuer.jwks_url).json()["keys"]]


def test_a_rotated_key_signs_while_the_one_before_still_counts(tmp_path: Path) -> None:
    with running_issuer(tmp_path) as issuer:
        (first,) = signing_keys(issuer)
        old = issuer.token("ana")
        rotate(issuer)
        second, kept = signing_keys(issuer)
        assert kept == first
        assert second != first
        assert issuer.claims(old)["preferred_username"] == "ana"
        assert issuer.exchange(old, "crm").status_code == 200
        assert issuer.claims(issuer.token("ana"))
        rotate(issuer)
        assert first not in signing_keys(issuer)
        assert issuer.exchange(old, "crm").json()["error"] == "invalid_request"


def rotate(issuer: Issuer) -> None:
    before = signing_keys(issuer)
    assert issuer.pid
    os.kill(issuer.pid, signal.SIGHUP)
    deadline = time.monotonic() + 10
    while signing_keys(issuer) == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_restart_signs_people_out_and_keeps_tokens_good(tmp_path: Path) -> None:
    port = free_port()
    with running_issuer(tmp_path, port=port) as issuer:
        keys = signing_keys(issuer)
        tokens = Browser(issuer).tokens("ana")
        key = issuer.key_file.read_bytes()
    with running_issuer(tmp_path, port=port) as issuer:
        assert signing_keys(issuer) == keys
        assert issuer.claims(tokens["access_token"])["preferred_username"] == "ana"
        assert issuer.key_file.read_bytes() != key  # rendered anew, as `make up` does
        assert issuer.exchange(tokens["access_token"], "crm").status_code == 200
        refresh = issuer.ask(
            grant_type="refresh_token", client_id="mcp-host", refresh_token=tokens["refresh_token"]
        )
        assert refresh.json()["error"] == "invalid_grant"


def test_private_keys_are_for_their_owner_alone(development: Issuer, folder: Path) -> None:
    kept = folder / ".idp" / "signing-keys.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_logs_name_people_and_never_their_secrets(development: Issuer, folder: Path) -> None:
    browser = Browser(development)
    back = browser.sign_in("ben")
    tokens = browser.redeem(back["code"]).json()
    assertion = development.assertion(development.aggregate)
    development.ask(grant_type="client_credentials", **assertion)
    development.exchange(tokens["access_token"], "crm")
    development.ask(
        grant_type="password", client_id="mcp-dev-cli", username="ben", password="guessed-wrong"
    )
    text = (folder / "idp.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"user": "ben", "client": "mcp-host"}.items() <= next(
        line for line in lines if line["event"] == "signed in"
    ).items()
    secrets = (
        development.password,
        "guessed-wrong",
        back["code"],
        browser.pkce.verifier,
        assertion["client_assertion"],
        *(tokens[kind] for kind in ("access_token", "refresh_token", "id_token")),
    )
    for secret in secrets:
        assert secret not in text


def test_the_inserted_openid_form_is_served_too(development: Issuer) -> None:
    origin = development.url.removesuffix("/realms/mcp")
    found = httpx2.get(f"{origin}/.well-known/openid-configuration/realms/mcp").json()
    assert found["issuer"] == development.url
    assert found["code_challenge_methods_supported"] == ["S256"]


def test_the_sign_in_page_runs_no_script_and_is_framed_by_nobody(development: Issuer) -> None:
    page = Browser(development).open()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:43123" in policy
    assert "unsafe-inline" not in policy
    assert "<script" not in page.text
    assert not re.search(r"\sstyle=|\son[a-z]+=", page.text)
    assert page.headers["cache-control"] == "no-store"
    assert "httponly" in page.headers["set-cookie"].lower()
    assert "samesite=lax" in page.headers["set-cookie"].lower()
    base = urlsplit(development.url)
    sheet = httpx2.get(f"{base.scheme}://{base.netloc}/realms/mcp/static/style.css")
    assert sheet.headers["content-type"].startswith("text/css")


def test_the_page_shows_who_may_sign_in_and_what_the_host_will_get(development: Issuer) -> None:
    text = Browser(development).open(login_hint="cho").text
    assert "Ana Ferreira" in text
    assert 'value="cho"' in text
    assert "Acting for you at http://localhost:8080/mcp" in text
    assert "127.0.0.1:43123" in text
    console = Browser(development, "mcp-console", "http://localhost:8080/console/callback")
    assert "asks for:" not in console.open(scope="openid").text


def test_what_a_request_says_is_shown_as_text(development: Issuer) -> None:
    text = Browser(development).open(login_hint='"><script>alert(1)</script>').text
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_form_from_elsewhere_signs_nobody_in(development: Issuer) -> None:
    victim, attacker = Browser(development), Browser(development)
    page = attacker.open()
    right = {"username": "ana", "password": development.password}
    assert attacker.submit(page, **right, csrf="guessed").status_code == 403
    victim.open()  # has a cookie of its own
    assert victim.submit(page, **right).status_code == 400  # another browser's request
    assert Browser(development).submit(page, **right).status_code == 400  # no cookie at all
    assert attacker.submit(page, **right).status_code == 303


def test_a_sign_in_page_is_good_for_one_sign_in(development: Issuer) -> None:
    browser = Browser(development)
    page = browser.open()
    right = {"username": "ana", "password": development.password}
    assert browser.submit(page, **right).status_code == 303
    assert browser.submit(page, **right).status_code == 400


def test_cancelling_tells_the_host(development: Issuer) -> None:
    browser = Browser(development)
    answer = browser.submit(browser.open(), cancel="yes")
    assert answer.status_code == 303
    target = answer.headers["location"]
    assert "error=access_denied" in target
    assert "state=s-1" in target
    assert "iss=" in target


def test_odd_characters_are_answered_and_not_a_fault(development: Issuer) -> None:
    browser = Browser(development)
    odd = 'q"\\ü\n'
    assert browser.open(client_id=odd).status_code == 400
    assert browser.open(redirect_uri=f"http://127.0.0.1/{odd}").status_code == 400
    for name in ("scope", "response_type", "code_challenge", "resource", "prompt", "response_mode"):
        assert browser.open(**{name: odd}).status_code in {200, 303}, name
    for name in ("grant_type", "client_id", "scope", "username", "password", "resource"):
        form = {"grant_type": "password", "client_id": "mcp-dev-cli", "username": "x"}
        form |= {"password": "y", name: odd}
        assert development.ask(**form).status_code in {400, 401}, name


def test_bodies_are_bounded_and_forms(development: Issuer) -> None:
    assert development.ask(grant_type="x" * 70_000).status_code == 413
    assert httpx2.post(development.token_url, json={}).status_code == 415
    many = {f"field{n}": "x" for n in range(60)}
    assert development.ask(**many).status_code == 400
    raw = httpx2.post(
        development.token_url,
        content=b"grant_type=\xff",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert raw.status_code == 400


def test_an_assertion_that_lives_for_hours_is_refused(development: Issuer) -> None:
    """Keycloak takes it; here its id would have to be remembered as long."""
    assertion = development.assertion(development.aggregate, exp=int(time.time()) + 7200)
    answer = development.ask(grant_type="client_credentials", **assertion)
    assert answer.json()["error"] == "invalid_client"


def test_without_resource_indicators_the_parameter_is_ignored(tmp_path: Path) -> None:
    environment = {"IDP_RESOURCE_INDICATORS": "false"}
    with running_issuer(tmp_path, environment=environment) as issuer:
        tokens = Browser(issuer).tokens("ana", resource=issuer.endpoint("docs"))
        assert issuer.claims(tokens["access_token"])["aud"] == issuer.aggregate


def test_another_gateway_has_other_audiences(tmp_path: Path) -> None:
    with running_issuer(
        tmp_path, public_url_of_gateway="http://localhost:9999", servers=["one"]
    ) as issuer:
        said = issuer.claims(issuer.token("ana", "aud:one"))
        assert said["aud"] == "http://localhost:9999/servers/one/mcp"
        refused = issuer.ask(
            grant_type="password",
            client_id="mcp-dev-cli",
            username="ana",
            password=issuer.password,
            scope="aud:crm",
        )
        assert refused.json()["error"] == "invalid_scope"
