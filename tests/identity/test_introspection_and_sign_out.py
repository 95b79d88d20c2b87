import httpx2
import pytest
from browser import Browser
from people import Issuer


def introspected(issuer: Issuer, token: str, at: str | None = None) -> dict[str, object]:
    answer = issuer.post(
        "token/introspect", token=token, **issuer.assertion(at or issuer.aggregate)
    )
    assert answer.status_code == 200
    said: dict[str, object] = answer.json()
    return said


def test_a_live_token_is_active_for_the_client_it_is_meant_for(issuer: Issuer) -> None:
    token = issuer.token("ana")
    said = introspected(issuer, token)
    assert said["active"] is True
    assert said["username"] == "ana"
    assert said["client_id"] == "mcp-dev-cli"
    assert introspected(issuer, token, issuer.endpoint("docs")) == {"active": False}
    assert introspected(issuer, "nonsense") == {"active": False}


def test_introspection_is_not_public(issuer: Issuer) -> None:
    token = issuer.token("ana")
    assert issuer.post("token/introspect", token=token).status_code == 401
    answer = issuer.post("token/introspect", token=token, client_id="mcp-dev-cli")
    assert answer.status_code == 403


def test_a_revoked_access_token_is_dead(issuer: Issuer) -> None:
    token = issuer.token("ana")
    assert issuer.post("revoke", token=token, client_id="mcp-dev-cli").status_code == 200
    assert introspected(issuer, token) == {"active": False}
    assert issuer.exchange(token, "crm").json()["error"] == "invalid_request"


def test_a_revoked_refresh_token_takes_its_session_along(issuer: Issuer, browser: Browser) -> None:
    tokens = browser.tokens("ana")
    answer = issuer.post("revoke", token=tokens["refresh_token"], client_id="mcp-host")
    assert answer.status_code == 200
    assert issuer.exchange(tokens["access_token"], "crm").status_code == 400
    again = issuer.ask(
        grant_type="refresh_token", client_id="mcp-host", refresh_token=tokens["refresh_token"]
    )
    assert again.json()["error"] == "invalid_grant"


def test_revocation_is_for_ones_own_tokens(issuer: Issuer) -> None:
    token = issuer.token("ana")
    assert issuer.post("revoke", token=token, client_id="claude-code").status_code == 400
    assert introspected(issuer, token)["active"] is True
    assert issuer.post("revoke", token="nonsense", client_id="mcp-dev-cli").status_code == 200
    assert issuer.post("revoke", client_id="mcp-dev-cli").status_code == 400


def test_signing_out_with_the_refresh_token_ends_the_session(
    issuer: Issuer, browser: Browser
) -> None:
    tokens = browser.tokens("ana")
    answer = issuer.post("logout", refresh_token=tokens["refresh_token"], client_id="mcp-host")
    assert answer.status_code == 204
    assert issuer.exchange(tokens["access_token"], "crm").status_code == 400


def test_the_console_signs_out_and_comes_back(issuer: Issuer) -> None:
    console = Browser(issuer, "mcp-console", f"{issuer.gateway}/console/callback")
    back = console.sign_in("olu", scope="openid")
    tokens = console.redeem(back["code"], **issuer.assertion("mcp-console")).json()
    home = f"{issuer.gateway}/console/"
    answer = console.get(
        f"{issuer.protocol}/logout",
        id_token_hint=tokens["id_token"],
        post_logout_redirect_uri=home,
        state="bye",
    )
    assert answer.status_code in {302, 303}
    assert answer.headers["location"] == f"{home}?state=bye"
    refresh = issuer.ask(
        grant_type="refresh_token",
        refresh_token=tokens["refresh_token"],
        **issuer.assertion("mcp-console"),
    )
    assert refresh.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "target", ["http://evil.example/", "http://localhost:8080/console/x", "http://localhost:8080/"]
)
def test_sign_out_redirects_nowhere_else(issuer: Issuer, target: str) -> None:
    console = Browser(issuer, "mcp-console", f"{issuer.gateway}/console/callback")
    back = console.sign_in("olu", scope="openid")
    tokens = console.redeem(back["code"], **issuer.assertion("mcp-console")).json()
    answer = console.get(
        f"{issuer.protocol}/logout",
        id_token_hint=tokens["id_token"],
        post_logout_redirect_uri=target,
    )
    assert answer.status_code == 400


def test_userinfo_is_for_sign_ins_that_asked_for_it(issuer: Issuer) -> None:
    def ask(token: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.get(f"{issuer.protocol}/userinfo", headers=headers)

    said = ask(issuer.token("cho", "openid")).json()
    assert said["preferred_username"] == "cho"
    assert said["email"] == "cho@larkfield.example"
    assert "realm_access" not in said
    assert ask(issuer.token("cho", "aud:mcp")).status_code == 403
    refused = ask("nonsense")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
