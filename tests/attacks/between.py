"""Between the gateway and its issuer: what is asked is counted, and metadata can be bent."""

import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from attacks.forge import GONE
from house.backends import listening
from house.house import GATEWAY, House
from people import Issuer
from starlette.requests import Request
from starlette.responses import Response

from mcp_shared.tokens import KeySource

METADATA = "/.well-known/openid-configuration"


@dataclass
class Between:
    issuer: Issuer
    client: httpx2.AsyncClient
    url: str = ""
    # members of the issuer's metadata that are to say something else
    bent: dict[str, Any] = field(default_factory=dict)
    redeemed: int = 0  # codes that the gateway has brought to the token endpoint

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.body()
        self.redeemed += b"grant_type=authorization_code" in body
        origin = self.issuer.url.partition("/realms/")[0]
        kept = {"content-type", "accept"} & set(request.headers)
        answer = await self.client.request(
            request.method, f"{origin}{request.url.path}", content=body,
            headers={name: request.headers[name] for name in kept},
        )  # fmt: skip
        said = answer.content
        if request.url.path.endswith(METADATA):
            found = {**answer.json(), **self.bent}
            said = json.dumps({key: one for key, one in found.items() if one is not GONE}).encode()
        kind = answer.headers.get("content-type", "application/json")
        await Response(said, answer.status_code, media_type=kind)(scope, receive, send)


@dataclass
class Watched:
    """How often the gateway asks for keys, and a clock that can be put forward."""

    source: KeySource
    asked: int = 0
    ahead: float = 0.0

    def __post_init__(self) -> None:
        fetch = self.source._fetch

        async def counted() -> Mapping[str, Any]:
            self.asked += 1
            return await fetch()

        self.source._fetch = counted
        self.source._clock = lambda: time.monotonic() + self.ahead


def watched(home: House) -> Watched:
    assert home.gateway.keys is not None
    return Watched(home.gateway.keys)


@contextlib.asynccontextmanager
async def between(issuer: Issuer) -> AsyncIterator[Between]:
    async with httpx2.AsyncClient(verify=False) as client:
        made = Between(issuer, client)
        async with listening(made) as port:
            made.url = f"http://127.0.0.1:{port}"
            yield made


@contextlib.asynccontextmanager
async def another_browser(home: House) -> AsyncIterator[httpx2.AsyncClient]:
    """With a cookie jar of its own."""
    transport = httpx2.ASGITransport(home.gateway)
    async with httpx2.AsyncClient(transport=transport, base_url=GATEWAY) as client:
        yield client
