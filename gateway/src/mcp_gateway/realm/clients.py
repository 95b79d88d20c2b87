"""What follows from the listed servers: a client for each endpoint and backend, audience scopes.

Pure: descriptions in Keycloak's export format. Why they are as they are is decision 0003.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Realm = dict[str, Any]

AGGREGATE = "mcp"
AUDIENCE = "aud:"  # how the scopes of endpoints begin
ROLE_SCOPE = "mcp-roles"  # the client scope that carries roles; its role mappings say which
IDENTITY_SCOPES = ["basic", "profile", "email", ROLE_SCOPE]


def audience_scopes(endpoints: Mapping[str, str], servers: Mapping[str, str]) -> list[Realm]:
    front = [_audience_scope(f"aud:{name}", url) for name, url in endpoints.items()]
    return front + [_audience_scope(f"srv:{n}", resource) for n, resource in servers.items()]


def _audience_scope(name: str, audience: str) -> Realm:
    return {
        "name": name,
        "description": f"Puts {audience} into the token's audience.",
        "protocol": "openid-connect",
        "attributes": {
            "include.in.token.scope": "true",
            "display.on.consent.screen": "true",
            "consent.screen.text": f"Acting for you at {audience}",
            # a host reads the one scope it needs from the endpoint's challenge, not from a list
            "include.in.openid.provider.metadata": "false",
        },
        "protocolMappers": [
            {
                "name": "audience",
                "protocol": "openid-connect",
                "protocolMapper": "oidc-audience-mapper",
                "consentRequired": False,
                "config": {
                    "included.client.audience": audience,
                    "access.token.claim": "true",
                    "introspection.token.claim": "true",
                    "id.token.claim": "false",
                },
            }
        ],
    }


def endpoint_clients(endpoints: Mapping[str, str], servers: Mapping[str, str]) -> list[Realm]:
    everything = [f"srv:{name}" for name in servers]
    # the aggregate endpoint reaches every server, a server's own endpoint only that one
    reach = {AGGREGATE: everything, **{name: [f"srv:{name}"] for name in servers}}
    front = [
        _confidential(url, f"Gateway endpoint: {name}", IDENTITY_SCOPES, reach[name], asks=True)
        for name, url in endpoints.items()
    ]
    return front + [
        _confidential(resource, f"Backend: {name}", [], [], asks=False)
        for name, resource in servers.items()
    ]


def _confidential(
    url: str, name: str, scopes: Sequence[str], optional: Sequence[str], *, asks: bool
) -> Realm:
    exchange = {"standard.token.exchange.enabled": "true"} if asks else {}
    return {
        "clientId": url,
        "name": name,
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": False,
        "bearerOnly": False,
        "clientAuthenticatorType": "client-jwt",
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": asks,
        "consentRequired": False,
        "fullScopeAllowed": False,
        "redirectUris": [],
        "webOrigins": [],
        "attributes": {"resource_url": url, **exchange},
        "protocolMappers": [],
        "defaultClientScopes": list(scopes),
        "optionalClientScopes": list(optional),
    }
