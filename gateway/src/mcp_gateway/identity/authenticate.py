"""A bearer token becomes a `Principal`: right issuer, this endpoint and its scope, not our own, and
a person or a client that calls for itself.

Verified tokens are cached by the hash of the whole token until they expire. With the issuer away,
keys serve from cache for an hour; after that every call is refused with 503.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping

from mcp_gateway.call import Principal
from mcp_gateway.refusals import Refusal, insufficient_scope, unauthenticated, unavailable
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
LONGEST_NAME = 512  # of a person; records and blocks go by it
# how the issuer names the user behind a client's own token
SERVICE = "service-account-"


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
            Refusal: 401 or 403 with a challenge, or 503 when the issuer's keys cannot be had.

        """
        if len(authorization) != 1:
            raise self.refuse(
                endpoint, "no_token" if not authorization else "two_tokens", bare=True
            )
        scheme, _, token = authorization[0].partition(" ")
        if scheme.lower() != "bearer" or not token or token != token.strip():
            raise self.refuse(endpoint, "scheme", bare=True)
        digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        cached = self._verified.get(digest)
        if cached is not None:
            audience, principal = cached
            if principal.expires + CLOCK_SKEW_SECONDS < time.time():
                del self._verified[digest]
                raise self.refuse(endpoint, "expired")
            if audience != self._audiences[endpoint]:
                raise self.refuse(endpoint, "audience")
            return principal
        try:
            claims = await verify(token, self.keys, self._issuer)
        except TokenError as error:
            raise self.refuse(endpoint, str(error)) from None
        except KeysUnavailableError:
            raise unavailable("issuer_unavailable", "Sign-in cannot be checked now.") from None
        principal = self._principal(claims, token, digest, endpoint)
        self._verified[digest] = (claims.audience[0], principal)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return principal

    def knows(self, authorization: list[str]) -> bool:
        """Whether these headers hold a token that was verified before, here."""
        if len(authorization) != 1:
            return False
        token = authorization[0].partition(" ")[2]
        return hashlib.sha256(token.encode("latin-1", "replace")).digest() in self._verified

    def _principal(self, claims: Claims, token: str, digest: bytes, endpoint: str) -> Principal:
        if claims.audience != (self._audiences[endpoint],):
            raise self.refuse(endpoint, "audience")
        if claims.client in self._ours:
            raise self.refuse(endpoint, "token of the gateway itself")
        if self._scopes[endpoint] not in _scopes(claims):
            raise insufficient_scope(self._challenge(endpoint, "insufficient_scope"))
        username = claims.raw.get("preferred_username")
        name = claims.raw.get("name")
        if not isinstance(username, str) or not 0 < len(username) <= LONGEST_NAME:
            raise self.refuse(endpoint, "no person")
        service = username.startswith(SERVICE)
        if service and username != SERVICE + claims.client.lower():
            raise self.refuse(endpoint, "a service account of another client")
        return Principal(
            issuer=claims.issuer,
            subject=claims.subject,
            username=username,
            name=name if isinstance(name, str) else "",
            # a service has the roles of its line in agents.yaml, whatever the issuer gave it
            roles=frozenset() if service else names(claims.raw, "realm_access", "roles"),
            groups=names(claims.raw, "groups"),
            agent=claims.client,
            expires=claims.expires,
            token_hash=digest,
            token=token,
            issued=claims.issued,
            service=service,
        )

    def refuse(self, endpoint: str, reason: str, *, bare: bool = False) -> Refusal:
        """RFC 6750 section 3: without credentials the challenge names no error."""
        return unauthenticated(self._challenge(endpoint, "" if bare else "invalid_token"), reason)

    def _challenge(self, endpoint: str, error: str) -> str:
        """One challenge with the one scope that every operation here needs, and no other."""
        parts = [f'error="{error}"'] if error else []
        parts += [
            f'scope="{self._scopes[endpoint]}"',
            f'resource_metadata="{self._metadata[endpoint]}"',
        ]
        return "Bearer " + ", ".join(parts)


def _scopes(claims: Claims) -> list[str]:
    """RFC 6749 section 3.3: words with single spaces between them, compared whole."""
    scope = claims.raw.get("scope")
    return scope.split(" ") if isinstance(scope, str) else []
