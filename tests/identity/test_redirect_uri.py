"""Redirects are compared whole; only a loopback port may differ (RFC 8252 section 7.3)."""

import pytest
from browser import Browser
from people import Issuer

REFUSED = [
    "",
    "/callback",
    "http://127.0.0.1:43123/callback/",
    "http://127.0.0.1:43123/callback/deeper",
    "http://127.0.0.1:43123/callbacks",
    "http://127.0.0.1:43123/callback?next=http://evil.example",
    "http://127.0.0.1:43123/callback#fragment",
    "http://127.0.0.1:43123/x/../callback",
    "http://127.0.0.1:43123/%63allback",
    "http://127.0.0.1:43123//callback",
    "http://127.0.0.1:43123/callback%0d%0aSet-Cookie:x",
    "http://127.0.0.1:43123/callback ",
    "http://127.0.0.1:80x/callback",
    "http://127.0.0.1:43123@evil.example/callback",
    "http://127.0.0.1@evil.example/callback",
    "http://ok@127.0.0.1:43123/callback",
    "http://127.0.0.1:43123\\@evil.example/callback",
    "http://127.0.0.1.evil.example/callback",
    "http://evil.example/callback",
    "http://localhost.evil.example:43123/callback",
    "http://LOCALHOST:43123/callback",
    "HTTP://localhost:43123/callback",
    "https://127.0.0.1:43123/callback",
    "http://127.0.0.2:43123/callback",
    "http://127.1:43123/callback",
    "http://2130706433:43123/callback",
    "http://[::1]:43123/callback",
    "http://*:43123/callback",
    "javascript:alert(1)",
    "data:text/html,hello",
]


@pytest.mark.parametrize("uri", REFUSED)
def test_a_wrong_redirect_gets_a_page_and_never_a_redirect(browser: Browser, uri: str) -> None:
    answer = browser.open(redirect_uri=uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_missing_redirect_is_refused(browser: Browser) -> None:
    assert browser.open(redirect_uri=None).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("port", ["", ":1", ":43123", ":65535"])
def test_a_loopback_redirect_takes_any_port(browser: Browser, host: str, port: str) -> None:
    answer = browser.open(redirect_uri=f"http://{host}{port}/callback")
    assert answer.status_code == 200
    assert "password" in answer.text


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:8081/console/callback",
        "http://127.0.0.1:8080/console/callback",
        "http://localhost/console/callback",
        "http://localhost:8080/console/callback/",
    ],
)
def test_the_consoles_redirect_is_exact(issuer: Issuer, uri: str) -> None:
    assert Browser(issuer, "mcp-console", uri).open(scope="openid").status_code == 400


@pytest.mark.parametrize(
    ("client_id", "uri"),
    [
        ("claude-code", "http://localhost:54545/callback"),
        ("codex-cli", "http://127.0.0.1:1455/callback"),
        ("vscode", "http://127.0.0.1:33418/"),
        ("cursor", "cursor://anysphere.cursor-mcp/oauth/callback"),
        ("mcp-inspector", "http://localhost:6274/oauth/callback"),
        ("mcp-inspector", "http://localhost:6274/oauth/callback/debug"),
    ],
)
def test_the_hosts_own_redirects_work(issuer: Issuer, client_id: str, uri: str) -> None:
    back = Browser(issuer, client_id, uri).sign_in("cho")
    assert back["iss"] == issuer.url
    assert "code" in back
