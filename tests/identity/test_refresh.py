"""Refresh tokens rotate; a used one in circulation ends the session for everybody."""

from typing import Any

from browser import Browser
from people import Issuer


def refreshed(issuer: Issuer, token: str, **changes: str) -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "client_id": "mcp-host", "refresh_token": token}
    said: dict[str, Any] = issuer.ask(**{**form, **changes}).json()
    return said


def test_each_refresh_gives_a_new_refresh_token(issuer: Issuer, browser: Browser) -> None:
    first = browser.tokens("ana")
    second = refreshed(issuer, first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    before, after = issuer.claims(first["access_token"]), issuer.claims(second["access_token"])
    assert before["aud"] == after["aud"]
    assert before["sid"] == after["sid"]
    assert before["jti"] != after["jti"]


def test_a_used_refresh_token_ends_the_session(issuer: Issuer, browser: Browser) -> None:
    first = browser.tokens("ana")
    second = refreshed(issuer, first["refresh_token"])
    assert refreshed(issuer, first["refresh_token"])["error"] == "invalid_grant"
    assert refreshed(issuer, second["refresh_token"])["error"] == "invalid_grant"
    assert issuer.exchange(second["access_token"], "crm").status_code == 400


def test_a_refresh_token_is_its_clients_alone(issuer: Issuer, browser: Browser) -> None:
    tokens = browser.tokens("ana")
    stolen = refreshed(issuer, tokens["refresh_token"], client_id="claude-code")
    assert stolen["error"] == "invalid_grant"
    assert "access_token" in refreshed(issuer, tokens["refresh_token"])


def test_a_refresh_may_narrow_and_never_widens(issuer: Issuer, browser: Browser) -> None:
    tokens = browser.tokens("ana")
    wider = refreshed(issuer, tokens["refresh_token"], scope="openid aud:mcp aud:crm")
    assert issuer.claims(wider["access_token"])["aud"] == issuer.aggregate
    narrow = refreshed(issuer, wider["refresh_token"], scope="openid")
    assert "aud" not in issuer.claims(narrow["access_token"])
    whole = refreshed(issuer, narrow["refresh_token"])
    assert issuer.claims(whole["access_token"])["aud"] == issuer.aggregate


def test_other_tokens_do_not_refresh(issuer: Issuer, browser: Browser) -> None:
    tokens = browser.tokens("ana")
    for kind in ("access_token", "id_token"):
        assert refreshed(issuer, tokens[kind])["error"] == "invalid_grant"
    assert refreshed(issuer, "nonsense")["error"] == "invalid_grant"


def test_a_refresh_token_is_not_for_resource_servers(issuer: Issuer, browser: Browser) -> None:
    """It names the issuer as its audience, says what it is, and never our endpoints."""
    tokens = browser.tokens("ana")
    answer = issuer.post(
        "token/introspect", token=tokens["refresh_token"], **issuer.assertion(issuer.aggregate)
    )
    assert answer.json()["active"] is False
