"""What holds for every host of the realm file, whatever program it is."""

import time

import pytest
from browser import Browser, callback
from people import Issuer

HOSTS = {
    "claude-code": "http://localhost:54545/callback",
    "codex-cli": "http://127.0.0.1:1455/callback",
    "vscode": "http://127.0.0.1:33418/",
    "cursor": "cursor://anysphere.cursor-mcp/oauth/callback",
    "mcp-inspector": "http://localhost:6274/oauth/callback",
    "mcp-host": "http://127.0.0.1:43123/callback",
}
BOUND_SECONDS = 300  # and 30 s of skew: how long a token works once its person is gone
SESSION_SECONDS = 10 * 3600


def described(issuer: Issuer, token: str) -> tuple[object, object]:
    said = issuer.claims(token)
    return said["aud"], said["azp"]


@pytest.mark.parametrize("client_id", HOSTS)
def test_a_host_gets_the_one_endpoint_it_asked_for(issuer: Issuer, client_id: str) -> None:
    browser = Browser(issuer, client_id, HOSTS[client_id])
    tokens = browser.tokens("ana", scope="openid aud:crm", resource=issuer.endpoint("crm"))
    assert described(issuer, tokens["access_token"]) == (issuer.endpoint("crm"), client_id)
    assert issuer.claims(tokens["id_token"])["aud"] == client_id
    again = issuer.ask(
        grant_type="refresh_token", client_id=client_id, refresh_token=tokens["refresh_token"]
    ).json()
    assert described(issuer, again["access_token"]) == (issuer.endpoint("crm"), client_id)


@pytest.mark.parametrize("challenge", [{"code_challenge": None, "code_challenge_method": None},
                                       {"code_challenge_method": "plain"}],
                         ids=["none", "plain"])  # fmt: skip
@pytest.mark.parametrize("client_id", [*HOSTS, "mcp-console"])
def test_no_client_signs_in_without_an_s256_challenge(
    issuer: Issuer, client_id: str, challenge: dict[str, str | None]
) -> None:
    console = f"{issuer.gateway}/console/callback"
    browser = Browser(issuer, client_id, HOSTS.get(client_id, console))
    back = callback(browser.open(scope="openid", **challenge))
    assert (back["error"], back["iss"]) == ("invalid_request", issuer.url)


def test_no_access_token_outlives_the_bound(issuer: Issuer, browser: Browser) -> None:
    """A server believes a token until it ends, whatever has happened to its person."""
    signed_in = browser.tokens("ben")
    refreshed = issuer.ask(
        grant_type="refresh_token", client_id="mcp-host", refresh_token=signed_in["refresh_token"]
    ).json()
    own = issuer.ask(
        grant_type="client_credentials", scope="srv:crm", **issuer.assertion(issuer.aggregate)
    ).json()
    tokens = [
        issuer.token("ben"),
        signed_in["access_token"],
        refreshed["access_token"],
        issuer.exchange(refreshed["access_token"], "crm").json()["access_token"],
        own["access_token"],
    ]
    now = time.time()
    assert all(issuer.claims(token)["exp"] <= now + BOUND_SECONDS for token in tokens)
    assert signed_in["refresh_expires_in"] <= SESSION_SECONDS


def test_a_host_that_only_describes_itself_is_unknown(browser: Browser) -> None:
    """Client metadata documents are off until somebody here names whom to believe."""
    answer = browser.open(client_id="https://hosts.larkfield.example/client.json")
    assert answer.status_code == 400
    assert "location" not in answer.headers
