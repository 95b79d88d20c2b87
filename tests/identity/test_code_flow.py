import pytest
from browser import Browser, Pkce, callback
from people import Issuer


def test_a_person_signs_in_and_the_host_gets_tokens(issuer: Issuer, browser: Browser) -> None:
    back = browser.sign_in("ana", nonce="n-1")
    assert back["state"] == "s-1"
    assert back["iss"] == issuer.url
    tokens = browser.redeem(back["code"]).json()
    access, identity = issuer.claims(tokens["access_token"]), issuer.claims(tokens["id_token"])
    assert access["aud"] == issuer.aggregate
    assert access["azp"] == "mcp-host"
    assert access["preferred_username"] == "ana"
    assert access["name"] == "Ana Ferreira"
    assert access["email"] == "ana@larkfield.example"
    assert access["realm_access"]["roles"] == ["analyst"]
    assert sorted(access["groups"]) == ["analyst", "region-all"]
    assert access["exp"] - access["iat"] == 300
    assert identity["aud"] == "mcp-host"
    assert identity["nonce"] == "n-1"
    assert identity["typ"] == "ID"
    assert identity["sid"] == access["sid"]
    assert "realm_access" not in identity


def test_an_access_token_says_that_it_is_one(issuer: Issuer, browser: Browser) -> None:
    tokens = browser.tokens("ben")
    assert issuer.claims(tokens["access_token"])["typ"] == "Bearer"
    assert tokens["token_type"] == "Bearer"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge": "too-short"},
        {"code_challenge": None},
    ],
    ids=["none", "plain", "no method", "lower case", "short", "method alone"],
)
def test_no_sign_in_starts_without_an_s256_challenge(
    issuer: Issuer, browser: Browser, changes: dict[str, str | None]
) -> None:
    back = callback(browser.open(**changes))
    assert back["error"] == "invalid_request"
    assert back["state"] == "s-1"
    assert back["iss"] == issuer.url


@pytest.mark.parametrize(
    "verifier", [None, Pkce().verifier, "short"], ids=["none", "another one", "short"]
)
def test_a_code_without_its_verifier_is_worth_nothing(
    browser: Browser, verifier: str | None
) -> None:
    back = browser.sign_in("ben")
    assert browser.redeem(back["code"], code_verifier=verifier).status_code == 400
    assert browser.redeem(back["code"]).json()["error"] == "invalid_grant"


def test_a_code_works_for_its_client_and_redirect_only(browser: Browser) -> None:
    for changes in ({"client_id": "claude-code"}, {"redirect_uri": "http://127.0.0.1:1/callback"}):
        back = browser.sign_in("ben")
        answer = browser.redeem(back["code"], **changes)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_presented_twice_ends_what_it_began(issuer: Issuer, browser: Browser) -> None:
    back = browser.sign_in("ben")
    tokens = browser.redeem(back["code"]).json()
    assert browser.redeem(back["code"]).json()["error"] == "invalid_grant"
    answer = issuer.ask(
        grant_type="refresh_token", client_id="mcp-host", refresh_token=tokens["refresh_token"]
    )
    assert answer.json()["error"] == "invalid_grant"
    assert issuer.exchange(tokens["access_token"], "crm").status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "openid no-such-scope"}, "invalid_scope"),
        ({"scope": "openid srv:crm"}, "invalid_scope"),
        ({"scope": "openid offline_access"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
        ({"response_type": "nonsense"}, "unsupported_response_type"),
    ],
)
def test_errors_reach_the_client_with_state_and_issuer(
    issuer: Issuer, browser: Browser, changes: dict[str, str], error: str
) -> None:
    """RFC 9207 wants `iss` on an error as much as on success."""
    back = callback(browser.open(**changes))
    assert back["error"] == error
    assert back["state"] == "s-1"
    assert back["iss"] == issuer.url


@pytest.mark.parametrize("response_type", ["token", "id_token token", "code token", None])
def test_only_the_code_flow_is_open(browser: Browser, response_type: str | None) -> None:
    back = callback(browser.open(response_type=response_type, nonce="n"))
    assert "error" in back
    assert "access_token" not in back


def test_a_wrong_password_stays_on_the_form(browser: Browser) -> None:
    page = browser.submit(browser.open(), username="olu", password="wrong")
    assert page.status_code == 200
    assert "Invalid" in page.text
    again = browser.submit(page, username="olu", password=browser.issuer.password)
    assert again.status_code in {302, 303} or "accept" in again.text


def test_the_console_proves_itself_with_the_gateways_key(issuer: Issuer) -> None:
    console = Browser(issuer, "mcp-console", f"{issuer.gateway}/console/callback")
    back = console.sign_in("olu", scope="openid")
    assert console.redeem(back["code"]).json()["error"] == "invalid_client"
    console = Browser(issuer, "mcp-console", f"{issuer.gateway}/console/callback")
    back = console.sign_in("olu", scope="openid")
    tokens = console.redeem(back["code"], **issuer.assertion("mcp-console")).json()
    identity = issuer.claims(tokens["id_token"])
    assert sorted(identity["realm_access"]["roles"]) == ["auditor", "operator"]
    assert "aud" not in issuer.claims(tokens["access_token"])


@pytest.mark.parametrize("client_id", ["mcp-dev-cli", "http://localhost:8080/mcp", "nobody"])
def test_a_client_without_the_code_flow_gets_no_page_and_no_redirect(
    browser: Browser, client_id: str
) -> None:
    assert browser.open(client_id=client_id).status_code == 400
