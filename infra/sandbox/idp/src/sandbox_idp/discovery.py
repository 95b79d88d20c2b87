"""The issuer's metadata: OpenID Connect discovery and RFC 8414 in one document, as in Keycloak."""

from typing import Any

from sandbox_idp.exchange import ExchangeGrant
from sandbox_idp.keys import ALGORITHM
from sandbox_idp.realm import Realm


def metadata(issuer: str, realm: Realm) -> dict[str, Any]:
    protocol = f"{issuer}/protocol/openid-connect"
    proofs = ["private_key_jwt"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{protocol}/auth",
        "token_endpoint": f"{protocol}/token",
        "introspection_endpoint": f"{protocol}/token/introspect",
        "userinfo_endpoint": f"{protocol}/userinfo",
        "end_session_endpoint": f"{protocol}/logout",
        "jwks_uri": f"{protocol}/certs",
        "revocation_endpoint": f"{protocol}/revoke",
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "password",
            ExchangeGrant.GRANT_TYPE,
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["none", *proofs],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "introspection_endpoint_auth_methods_supported": proofs,
        "introspection_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "revocation_endpoint_auth_methods_supported": ["none", *proofs],
        "revocation_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "scopes_supported": ["openid", *(s.name for s in realm.scopes.values() if s.advertised)],
        "claims_supported": ["aud", "sub", "iss", "auth_time", "name", "preferred_username"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }


def realm_info(issuer: str, realm: Realm, public_pem: str) -> dict[str, Any]:
    lines = public_pem.strip().splitlines()
    return {
        "realm": realm.name,
        "public_key": "".join(lines[1:-1]),
        "token-service": f"{issuer}/protocol/openid-connect",
        "account-service": f"{issuer}/account",
        "tokens-not-before": 0,
    }
