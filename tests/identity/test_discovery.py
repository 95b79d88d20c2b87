import httpx2
import pytest
from people import EXCHANGE, Issuer

INSERTED = "/.well-known/oauth-authorization-server/realms/mcp"


@pytest.mark.parametrize(
    "path",
    [
        "/realms/mcp/.well-known/openid-configuration",
        "/realms/mcp/.well-known/oauth-authorization-server",
        INSERTED,
    ],
)
def test_metadata_is_served_at_every_form_a_client_tries_first(issuer: Issuer, path: str) -> None:
    found = httpx2.get(issuer.url.removesuffix("/realms/mcp") + path).json()
    assert found["issuer"] == issuer.url
    assert found["token_endpoint"] == issuer.token_url
    assert found["jwks_uri"] == issuer.jwks_url
    assert "S256" in found["code_challenge_methods_supported"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]
    assert {"authorization_code", "refresh_token", EXCHANGE} <= set(found["grant_types_supported"])


def test_the_inserted_openid_form_is_right_or_absent(issuer: Issuer) -> None:
    """Keycloak has none; a client goes on to the appended form."""
    origin = issuer.url.removesuffix("/realms/mcp")
    answer = httpx2.get(f"{origin}/.well-known/openid-configuration/realms/mcp")
    assert answer.status_code == 404 or answer.json()["issuer"] == issuer.url


def test_scopes_that_a_host_could_not_get_are_not_advertised(issuer: Issuer) -> None:
    """Hosts ask for what they find there; offline_access makes Keycloak refuse the sign-in."""
    found = httpx2.get(f"{issuer.url}/.well-known/openid-configuration").json()
    assert set(found["scopes_supported"]) == {"openid", "profile", "email"}


def test_published_keys_are_public_and_sign_with_rs256(issuer: Issuer) -> None:
    keys = httpx2.get(issuer.jwks_url).json()["keys"]
    assert {key["alg"] for key in keys if key["use"] == "sig"} == {"RS256"}
    assert all("d" not in key for key in keys)


def test_the_realm_says_who_it_is(issuer: Issuer) -> None:
    found = httpx2.get(issuer.url).json()
    assert found["realm"] == "mcp"
    assert found["token-service"] == issuer.protocol


def test_metadata_may_be_read_by_a_page_on_this_machine(issuer: Issuer) -> None:
    origin = {"Origin": "http://localhost:6274"}
    answer = httpx2.get(f"{issuer.url}/.well-known/openid-configuration", headers=origin)
    assert answer.headers["access-control-allow-origin"] in {"*", origin["Origin"]}
