"""The service's own credential at a vendor: a bearer, or one fetched by OAuth client credentials.

Nobody's token is passed on: whoever asks is named in our ledger, and the vendor sees this service.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator

import httpx2

from mcp_shared.vendor.settings import VendorSettings

EARLY_SECONDS = 30  # a token is replaced before it ends
UNSAID_SECONDS = 60  # how long one is kept whose life the issuer does not say
MAX_SECONDS = 3600
MAX_TOKEN_BYTES = 64 * 1024


class CredentialError(httpx2.TransportError):
    """The issuer gave no token; what it said is not repeated."""


class Bearer(httpx2.Auth):
    def __init__(self, settings: VendorSettings) -> None:
        assert settings.token is not None  # noqa: S101  settings hold one of the two
        self._header = f"Bearer {settings.token.get_secret_value()}"

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        request.headers["authorization"] = self._header
        yield request


class ClientCredentials(httpx2.Auth):
    """RFC 6749 section 4.4; one token for all calls, fetched by whoever needs it first."""

    def __init__(self, settings: VendorSettings) -> None:
        self._settings = settings
        self._token, self._until = "", 0.0
        self._lock = asyncio.Lock()

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        for attempt in ("kept", "new"):
            async with self._lock:
                if time.monotonic() >= self._until:
                    answer = yield self._ask()
                    await self._keep(answer)
            request.headers["authorization"] = f"Bearer {self._token}"
            response = yield request
            # refused, so nothing was done: once more with a token that is not the old one
            if response.status_code != httpx2.codes.UNAUTHORIZED or attempt == "new":
                return
            self._until = 0.0

    def _ask(self) -> httpx2.Request:
        given = self._settings
        assert given.client_id  # noqa: S101  settings hold all three, or a token
        assert given.client_secret  # noqa: S101
        assert given.token_url  # noqa: S101
        form = {
            "grant_type": "client_credentials",
            **({"scope": given.scope} if given.scope else {}),
        }
        asked = httpx2.Request("POST", given.token_url, data=form)
        basic = httpx2.BasicAuth(given.client_id, given.client_secret.get_secret_value())
        return next(basic.auth_flow(asked))

    async def _keep(self, answer: httpx2.Response) -> None:
        body = await answer.aread()
        try:
            if answer.status_code != httpx2.codes.OK or len(body) > MAX_TOKEN_BYTES:
                raise CredentialError(f"token_{answer.status_code}")
            said = json.loads(body)
            kind, token = str(said["token_type"]), said["access_token"]
            lives = min(float(said.get("expires_in", UNSAID_SECONDS)), MAX_SECONDS)
            if kind.lower() != "bearer" or not isinstance(token, str) or not token.isascii():
                raise CredentialError("token_form")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CredentialError("token_form") from error
        self._token = token
        self._until = time.monotonic() + max(lives - EARLY_SECONDS, 1.0)


def credentials(settings: VendorSettings) -> httpx2.Auth:
    return Bearer(settings) if settings.token else ClientCredentials(settings)
