"""Between the gateway and its issuer: everything passes, is counted, and metadata can be bent."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
from attacks.forge import GONE
from house.backends import listening
from house.house import GATEWAY, House
from people import Issuer
from starlette.requests import Request
from starlette.responses import Response

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
