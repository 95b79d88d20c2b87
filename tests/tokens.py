"""Tokens for tests in process: one signing key, and claims that can be bent."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from joserfc import jwk, jwt

ISSUER = "http://localhost:8081/realms/mcp"
signing_key = jwk.RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})


def a_token(
    *, key: jwk.RSAKey = signing_key, header: Mapping[str, Any] | None = None, **bent: Any
) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER, "sub": "11111111-1111-4111-8111-111111111111", "azp": "mcp-dev-cli",
        "aud": "http://localhost:8080/mcp", "exp": now + 300, "iat": now, "jti": f"j{now}",
        "typ": "Bearer", "scope": "openid aud:mcp aud:docs", "sid": "s1", "preferred_username": "ana",
        "name": "Ana Ferreira", "realm_access": {"roles": ["analyst"]},
        "groups": ["analyst", "region-all"], **bent,
    }  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "JWT", **(header or {})}, claims, key)


def key_set(*keys: jwk.RSAKey) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    async def fetch() -> Mapping[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in keys]}

    return fetch
