"""The SDK's client with its own OAuth provider: it begins with nothing but an address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

import anyio.to_thread
import httpx2
from clients.person import Person
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

Mode = Literal["2026-07-28", "auto", "legacy"]
REDIRECT = "http://127.0.0.1:43199/callback"


@dataclass
class Kept:
    """A host's storage: the client it is registered as, and the tokens it was given."""

    client: OAuthClientInformationFull | None
    tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class Host:
    """An application with the SDK in it; `requests` is everything it sent."""

    url: str
    person: Person
    client_id: str = "mcp-host"
    requests: list[tuple[httpx2.Request, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        redirects = [AnyUrl(REDIRECT)]
        registered = OAuthClientInformationFull(
            client_id=self.client_id,
            redirect_uris=redirects,
            token_endpoint_auth_method="none",
            issuer=self.person.stack.here.issuer,
        )
        self.kept = Kept(registered)
        self._back: dict[str, str] = {}
        self.provider = OAuthClientProvider(
            self.url,
            OAuthClientMetadata(redirect_uris=redirects, client_name="A host"),
            self.kept,
            self._to_browser,
            self._from_browser,
        )

    async def _to_browser(self, address: str) -> None:
        self._back = await anyio.to_thread.run_sync(self.person.sign_in, address)

    async def _from_browser(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult(
            code=self._back["code"], state=self._back["state"], iss=self._back["iss"]
        )

    async def _note(self, response: httpx2.Response) -> None:
        self.requests.append((response.request, response.status_code))

    @asynccontextmanager
    async def connected(self, mode: Mode) -> AsyncIterator[Client]:
        async with httpx2.AsyncClient(
            auth=self.provider, event_hooks={"response": [self._note]}, timeout=60
        ) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client

    @asynccontextmanager
    async def connected_with_its_token(self, mode: Mode) -> AsyncIterator[Client]:
        """Once it has one: the provider lets no request leave before the last one is answered."""
        assert self.kept.tokens is not None
        bearer = {"authorization": f"Bearer {self.kept.tokens.access_token}"}
        async with httpx2.AsyncClient(headers=bearer, timeout=60) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client

    def grants(self) -> list[dict[str, str]]:
        """The forms that went to the token endpoint."""
        return [
            dict(parse_qsl(request.content.decode()))
            for request, _ in self.requests
            if request.url.path.endswith("/token")
        ]
