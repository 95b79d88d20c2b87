"""RFC 8707 as Keycloak has it: `resource` narrows the audience and never widens it.

Without the feature the parameter is ignored, and the scope alone decides.
"""

import os

import pytest
from browser import Browser
from people import Issuer

FILTERS = os.environ.get("IDENTITY_RESOURCE_INDICATORS", "on") == "on"
filters = pytest.mark.skipif(not FILTERS, reason="this run is without resource indicators")


def test_scope_and_resource_together_give_the_same_with_and_without_the_feature(
    issuer: Issuer, browser: Browser
) -> None:
    tokens = browser.tokens("ana", resource=issuer.aggregate)
    assert issuer.claims(tokens["access_token"])["aud"] == issuer.aggregate
    assert issuer.exchange(tokens["access_token"], "crm").status_code == 200


@pytest.mark.skipif(FILTERS, reason="this run is with resource indicators")
def test_without_the_feature_the_scope_alone_decides(issuer: Issuer, browser: Browser) -> None:
    tokens = browser.tokens("ana", resource=issuer.endpoint("docs"))
    assert issuer.claims(tokens["access_token"])["aud"] == issuer.aggregate


@filters
def test_resource_picks_one_of_two_audiences(issuer: Issuer, browser: Browser) -> None:
    scope, resource = "openid aud:mcp aud:docs", issuer.endpoint("docs")
    tokens = browser.tokens("ana", scope=scope, resource=resource)
    assert issuer.claims(tokens["access_token"])["aud"] == resource
    refreshed = issuer.ask(
        grant_type="refresh_token", client_id="mcp-host", refresh_token=tokens["refresh_token"]
    ).json()
    assert issuer.claims(refreshed["access_token"])["aud"] == resource


@filters
@pytest.mark.parametrize(
    "resource",
    [
        "http://localhost:8080/servers/crm/mcp",
        "http://localhost:8080/mcp/",
        "http://127.0.0.1:8080/mcp",
        "http://crm.internal/mcp",
        "urn:client:http://localhost:8080/mcp",
        "http://evil.example/mcp",
        "not a url",
    ],
)
def test_a_resource_outside_the_audience_never_becomes_a_token(
    browser: Browser, resource: str
) -> None:
    """Refused on the way back from sign-in, or at the latest when the code is redeemed."""
    back = browser.sign_in("ana", resource=resource)
    if "code" in back:
        back = browser.redeem(back["code"]).json()
    assert back["error"] == "invalid_target"


@filters
def test_a_later_request_repeats_the_resource_or_leaves_it_out(
    issuer: Issuer, browser: Browser
) -> None:
    back = browser.sign_in("ana", resource=issuer.aggregate)
    tokens = browser.redeem(back["code"], resource=issuer.aggregate).json()
    assert issuer.claims(tokens["access_token"])["aud"] == issuer.aggregate
    refresh = {"grant_type": "refresh_token", "client_id": "mcp-host"}
    tokens = issuer.ask(
        **refresh, refresh_token=tokens["refresh_token"], resource=issuer.aggregate
    ).json()
    other = issuer.ask(
        **refresh, refresh_token=tokens["refresh_token"], resource=issuer.endpoint("docs")
    )
    assert (other.status_code, other.json()["error"]) == (400, "invalid_target")


@filters
def test_a_code_cannot_be_redeemed_for_another_resource(issuer: Issuer) -> None:
    for first, later in ((issuer.aggregate, issuer.endpoint("docs")), (None, issuer.aggregate)):
        browser = Browser(issuer)
        back = browser.sign_in("ana", scope="openid aud:mcp aud:docs", resource=first)
        answer = browser.redeem(back["code"], resource=later)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
