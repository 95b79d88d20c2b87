"""The console as an OpenID Connect client: code flow, PKCE S256, private_key_jwt.

Ours, because Authlib's client needs an HTTP library this room does without. RFC 9700 throughout:
one redirect address, state and nonce, `iss` of the answer (RFC 9207), algorithms configured and
never read from the token. Metadata (RFC 8414) counts only when it names this issuer, its own
origin and the flow that is used here: it could otherwise send a code and its proof elsewhere.
"""

import base64
import hashlib
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from mcp_shared.tokens import (
    ALGORITHMS,
    CLOCK_SKEW_SECONDS,
    MAX_TOKEN_BYTES,
    KeySource,
    KeysUnavailableError,
    TokenError,
    fetch_json,
    names,
)

CLIENT_ID = "mcp-console"
ASSERTION_SECONDS = 30
TIMEOUT_SECONDS = 5.0
METADATA_SECONDS = 3600
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


# what this client does; metadata that does not list it is not this issuer's, or a weaker one's
NEEDED = {
    "response_types_supported": "code",
    "grant_types_supported": "authorization_code",
    "code_challenge_methods_supported": "S256",
}
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")

log = logging.getLogger(__name__)


class IssuerAwayError(Exception):
    """Nobody can sign in now."""


class SignInError(Exception):
    """A sign-in that proves nothing; `reason` is a stable word for the record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Person:
    """Who the issuer says signed in."""

    subject: str
    username: str
    name: str
    roles: frozenset[str]
    id_token: str


class Issuer:
    def __init__(self, url: str, *, internal: str | None, redirect_uri: str, key: RSAKey) -> None:
        self._url = url
        # only the origin differs: `iss` stays the public one
        self._origin = internal.rstrip("/") if internal else None
        self._redirect_uri = redirect_uri
        self._key = key
        self._kid = key.kid or key.thumbprint()
        self._metadata: tuple[float, Mapping[str, Any]] | None = None
        self._keys: KeySource | None = None

    @property
    def url(self) -> str:
        return self._url

    @property
    def origin(self) -> str:
        """Where forms of ours may lead to in the end: signing out passes through the issuer."""
        return _origin_of(self._url)

    async def authorize_url(self, state: str, nonce: str, verifier: str, *, again: bool) -> str:
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "client_id": CLIENT_ID,
            "redirect_uri": self._redirect_uri,
            "response_type": "code",
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **({"prompt": "login"} if again else {}),
        }
        return f"{await self._endpoint('authorization_endpoint')}?{urlencode(asked)}"

    async def end_session_url(self, id_token: str, back: str) -> str:
        asked = {"client_id": CLIENT_ID, "post_logout_redirect_uri": back}
        if id_token:
            asked["id_token_hint"] = id_token
        return f"{await self._endpoint('end_session_endpoint')}?{urlencode(asked)}"

    async def redeem(self, code: str, verifier: str, nonce: str) -> Person:
        """The person behind an authorization code.

        Raises:
            SignInError: the issuer refused the code, or its ID token is not for this sign-in.
            IssuerAwayError: the issuer does not answer.

        """
        form = {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "redirect_uri": self._redirect_uri,
            "code": code,
            "code_verifier": verifier,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self._assertion(),
        }
        address = self._inside(await self._endpoint("token_endpoint"))
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                response = await client.post(address, data=form)
            document = response.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise IssuerAwayError from error
        if response.status_code >= 500:
            raise IssuerAwayError
        if response.status_code != 200 or not isinstance(document, dict):
            raise SignInError("code_refused")
        return await self._person(document.get("id_token"), nonce)

    async def _person(self, id_token: object, nonce: str) -> Person:
        if not isinstance(id_token, str) or len(id_token) > MAX_TOKEN_BYTES:
            raise SignInError("id_token_missing")
        try:
            header = jws.extract_compact(id_token.encode("ascii")).headers()
            keys = await self._key_source()
            key = await keys.key(str(header.get("kid")))
            claims = jwt.decode(id_token, key, algorithms=ALGORITHMS).claims
            self._registry(nonce).validate(claims)
        except KeysUnavailableError as error:
            raise IssuerAwayError from error
        except (JoseError, TokenError, ValueError, TypeError) as error:
            raise SignInError("id_token_wrong") from error
        if claims.get("azp", CLIENT_ID) != CLIENT_ID or claims.get("typ", "ID") != "ID":
            raise SignInError("id_token_wrong")
        subject = str(claims["sub"])
        username = str(claims.get("preferred_username") or subject)
        return Person(
            subject=subject[:200],
            username=username[:200],
            name=str(claims.get("name") or username)[:200],
            roles=names(claims, "realm_access", "roles"),
            id_token=id_token,
        )

    def _registry(self, nonce: str) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": self._url},
            aud={"essential": True, "value": CLIENT_ID},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {
            "iss": CLIENT_ID, "sub": CLIENT_ID, "aud": self._url, "iat": now,
            "exp": now + ASSERTION_SECONDS, "jti": uuid.uuid4().hex,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": self._kid}, claims, self._key)

    async def _key_source(self) -> KeySource:
        if self._keys is None:
            self._keys = KeySource(fetch_json(self._inside(await self._endpoint("jwks_uri"))))
        return self._keys

    async def _endpoint(self, name: str) -> str:
        """From the issuer's own metadata, held against its name."""
        now = time.monotonic()
        if self._metadata is None or now - self._metadata[0] > METADATA_SECONDS:
            fetch = fetch_json(self._inside(f"{self._url}/.well-known/openid-configuration"))
            try:
                document = await fetch()
            except (httpx2.HTTPError, ValueError, TypeError) as error:
                raise IssuerAwayError from error
            self._insist(document)
            self._metadata = (now, document)
        return str(self._metadata[1][name])

    def _insist(self, document: Mapping[str, Any]) -> None:
        wrong = [name for name, value in NEEDED.items() if not _lists(document.get(name), value)]
        wrong += [name for name in ENDPOINTS if not self._is_ours(document.get(name))]
        if document.get("issuer") != self._url:
            wrong.append("issuer")
        if wrong:
            log.error("issuer metadata refused", extra={"members": wrong})
            raise IssuerAwayError

    def _is_ours(self, address: object) -> bool:
        """At the issuer's own origin; behind it, at the one it is reached by from here."""
        if not isinstance(address, str):
            return False
        try:
            return _origin_of(address) in {self.origin, self._origin}
        except ValueError:
            return False

    def _inside(self, url: str) -> str:
        """The address from here of what the issuer calls `url`."""
        if self._origin is None:
            return url
        parts = urlsplit(url)
        return f"{self._origin}{parts.path}"


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _lists(supported: object, value: str) -> bool:
    return isinstance(supported, list) and value in supported
