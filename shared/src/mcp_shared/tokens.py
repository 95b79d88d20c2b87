"""Access tokens of one issuer: signature, form and time. Who may do what is decided elsewhere.

RFC 9068 and RFC 8725: algorithms are configured, never read from the token; every claim that is
used is required and typed, because JSON Web Token libraries accept a missing `exp` or a list as
`iss`.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError

ALGORITHMS = ["RS256", "ES256"]
CLOCK_SKEW_SECONDS = 30  # both sides run NTP
MAX_LIFETIME_SECONDS = 3600  # the realm issues 300; anything over an hour is not ours
MAX_TOKEN_BYTES = 16_384
REFETCH_SECONDS = 30  # an unknown key id asks the issuer at most this often
LAST_GOOD_SECONDS = 3600  # keys outlive an unreachable issuer this long

Fetch = Callable[[], Awaitable[Mapping[str, Any]]]


class TokenError(Exception):
    """The token is not acceptable; the text is for the log and the record, never for the caller."""


class KeysUnavailableError(Exception):
    """The issuer's keys cannot be had, and the last good ones are too old."""


@dataclass(frozen=True, slots=True)
class Claims:
    issuer: str
    subject: str
    audience: tuple[str, ...]
    client: str
    expires: int
    issued: int
    raw: Mapping[str, Any] = field(repr=False)


def fetch_json(url: str, timeout: float = 3.0) -> Fetch:
    """Read one JSON document, no redirects, on a connection of its own."""

    async def fetch() -> Mapping[str, Any]:
        async with httpx2.AsyncClient(timeout=timeout, follow_redirects=False) as client:
            response = await client.get(url)
            response.raise_for_status()
            document = response.json()
            if not isinstance(document, dict):
                raise TypeError("not a JSON object")
            return document

    return fetch


class KeySource:
    """The issuer's public keys: fetched once for all who wait, kept while the issuer is away."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwk.Key] = {}
        self._good_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def usable(self) -> bool:
        return bool(self._keys) and self._clock() - self._good_at <= LAST_GOOD_SECONDS

    @property
    def age(self) -> float | None:
        """Seconds since the issuer last gave its keys; None before it ever did."""
        return self._clock() - self._good_at if self._keys else None

    async def key(self, kid: str) -> jwk.Key:
        """The key with this id.

        Raises:
            TokenError: the issuer has no such key.
            KeysUnavailableError: the issuer did not answer and nothing recent is cached.

        """
        if kid not in self._keys or self._stale():
            await self._refresh(kid)
        if not self.usable:
            raise KeysUnavailableError
        try:
            return self._keys[kid]
        except KeyError:
            raise TokenError("unknown key id") from None

    def _stale(self) -> bool:
        return self._clock() - self._good_at > LAST_GOOD_SECONDS / 4

    async def _refresh(self, kid: str) -> None:
        async with self._lock:
            now = self._clock()
            known = kid in self._keys and not self._stale()
            if known or now - self._tried_at < self._pause():
                return
            self._tried_at = now
            try:
                document = await self._fetch()
                keys = dict(_signing_keys(document["keys"]))
            except (httpx2.HTTPError, ValueError, TypeError, KeyError, AttributeError):
                return
            if keys:
                self._keys = keys
                self._good_at = now

    def _pause(self) -> float:
        # with no usable key every request waits on this, so try again soon
        return REFETCH_SECONDS if self.usable else 1.0


def _signing_keys(published: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, jwk.Key]]:
    """Those that sign access tokens; a key of a kind we do not know spoils none beside it."""
    for raw in published:
        kid = raw.get("kid")
        if raw.get("kty") not in {"RSA", "EC"} or raw.get("use", "sig") != "sig":
            continue
        with contextlib.suppress(JoseError, ValueError, TypeError, KeyError):
            if isinstance(kid, str) and kid:
                yield kid, jwk.import_key(dict(raw))


async def verify(token: str, keys: KeySource, issuer: str) -> Claims:
    """Check signature, issuer, type and times of an access token.

    Raises:
        TokenError: not acceptable.
        KeysUnavailableError: cannot be checked now.

    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenError("too long")
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise TokenError("not a signed token") from error
    kid = header.get("kid")
    if not isinstance(kid, str) or header.get("alg") not in ALGORITHMS or "crit" in header:
        raise TokenError("header")
    if str(header.get("typ", "JWT")).lower() not in {"jwt", "at+jwt"}:
        raise TokenError("header type")
    key = await keys.key(kid)
    try:
        decoded = jwt.decode(token, key, algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenError("signature") from error
    return _claims(decoded.claims, issuer)


def _claims(raw: Mapping[str, Any], issuer: str) -> Claims:
    now = time.time()
    if raw.get("iss") != issuer:
        raise TokenError("issuer")
    if raw.get("typ", "Bearer") != "Bearer":
        raise TokenError("not an access token")
    expires, issued = _moment(raw, "exp"), _moment(raw, "iat")
    if expires < now - CLOCK_SKEW_SECONDS:
        raise TokenError("expired")
    if issued > now + CLOCK_SKEW_SECONDS or expires - issued > MAX_LIFETIME_SECONDS:
        raise TokenError("issued in the future or for too long")
    if "nbf" in raw and _moment(raw, "nbf") > now + CLOCK_SKEW_SECONDS:
        raise TokenError("not valid yet")
    audience = raw.get("aud")
    several = [audience] if isinstance(audience, str) else audience
    if not isinstance(several, list) or not all(isinstance(one, str) for one in several):
        raise TokenError("audience")
    return Claims(
        issuer=issuer,
        subject=_text(raw, "sub"),
        audience=tuple(several),
        client=_text(raw, "azp"),
        expires=expires,
        issued=issued,
        raw=raw,
    )


def _moment(raw: Mapping[str, Any], name: str) -> int:
    value = raw.get(name)
    if type(value) is not int or not 0 < value < 2**53:
        raise TokenError(f"{name} missing or not a time")
    return value


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 512:
        raise TokenError(f"{name} missing")
    return value


def names(raw: Mapping[str, Any], *path: str) -> frozenset[str]:
    """A list of strings at a path of the claims; empty where there is none."""
    value: object = raw
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return frozenset()
    return frozenset(one for one in value if isinstance(one, str) and one)
