"""A bearer token becomes a `Principal`: right issuer, this endpoint, a person, not our own.

Verified tokens are cached by the hash of the whole token until they expire. With the issuer away,
keys serve from cache for an hour; after that every call is refused with 503.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping

from mcp_gateway.call import Principal
from mcp_gateway.refusals import Refusal, unauthenticated, unavailable
from mcp_shared.tokens import (
    CLOCK_SKEW_SECONDS,
    Claims,
    KeySource,
    KeysUnavailableError,
    TokenError,
    names,
    verify,
)

CACHED_TOKENS = 10_000


class Authenticate:
    def __init__(
        self,
        *,
        keys: KeySource,
        issuer: str,
        audiences: Mapping[str, str],
        scopes: Mapping[str, str],
        metadata: Mapping[str, str],
    ) -> None:
        """By endpoint: its URL (the audience), its scope, its RFC 9728 document."""
        self.keys = keys
        self._issuer = issuer
        self._audiences = audiences
        self._ours = frozenset(audiences.values())
        self._scopes = scopes
        self._metadata = metadata
        self._verified: OrderedDict[bytes, tuple[str, Principal]] = OrderedDict()

    async def __call__(self, authorization: list[str], endpoint: str) -> Principal:
        """The person behind the Authorization headers of a request to this endpoint.

        Raises:
            Refusal: 401 with a challenge, or 503 when the issuer's keys cannot be had.

        """
        if len(authorization) != 1:
            raise self._no(endpoint, "no_token" if not authorization else "two_tokens", bare=True)
        scheme, _, token = authorization[0].partition(" ")
        if scheme.lower() != "bearer" or not token or token != token.strip():
            raise self._no(endpoint, "scheme", bare=True)
        digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        cached = self._verified.get(digest)
        if cached is not None:
            audience, principal = cached
            if principal.expires + CLOCK_SKEW_SECONDS < time.time():
                del self._verified[digest]
                raise self._no(endpoint, "expired")
            if audience != self._audiences[endpoint]:
                raise self._no(endpoint, "audience")
            return principal
        try:
            claims = await verify(token, self.keys, self._issuer)
        except TokenError as error:
            raise self._no(endpoint, str(error)) from None
        except KeysUnavailableError:
            raise unavailable("issuer_unavailable", "Sign-in cannot be checked now.") from None
        principal = self._principal(claims, token, digest, endpoint)
        self._verified[digest] = (claims.audience[0], principal)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return principal

    def _principal(self, claims: Claims, token: str, digest: bytes, endpoint: str) -> Principal:
        if claims.audience != (self._audiences[endpoint],):
            raise self._no(endpoint, "audience")
        if claims.client in self._ours:
            raise self._no(endpoint, "token of the gateway itself")
        username = claims.raw.get("preferred_username")
        name = claims.raw.get("name")
        if not isinstance(username, str):
            raise self._no(endpoint, "no person")
        return Principal(
            issuer=claims.issuer,
            subject=claims.subject,
            username=username,
            name=name if isinstance(name, str) else "",
            roles=names(claims.raw, "realm_access", "roles"),
            groups=names(claims.raw, "groups"),
            agent=claims.client,
            expires=claims.expires,
            token_hash=digest,
            token=token,
        )

    def _no(self, endpoint: str, reason: str, *, bare: bool = False) -> Refusal:
        """RFC 6750 section 3: without credentials the challenge names no error."""
        parts = [] if bare else ['error="invalid_token"']
        parts += [
            f'scope="{self._scopes[endpoint]}"',
            f'resource_metadata="{self._metadata[endpoint]}"',
        ]
        return unauthenticated("Bearer " + ", ".join(parts), reason)
