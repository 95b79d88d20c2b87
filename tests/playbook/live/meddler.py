"""A wrong gateway: the real one with one thing changed on the way, at an address of its own.

Requests reach the gateway with its own Host, and its public URL in answers becomes this address,
so that what is changed is only what the test changes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from house.backends import listening

from mcp_playbook.deployment import Deployment, Endpoint

LARGE_BYTES = 10_000_000
DROPPED = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "date", "server"}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    method: str
    path: str  # with its query
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def bearing(self, token: str) -> "Asked":
        return replace(self, headers={**self.headers, "authorization": f"Bearer {token}"})


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    def saying(self, old: bytes, new: bytes) -> "Answered":
        return replace(self, body=self.body.replace(old, new))


Forward = Callable[[Asked], Awaitable[Answered]]
Change = Callable[[Asked, Forward], Awaitable[Answered]]


async def unchanged(asked: Asked, forward: Forward) -> Answered:
    return await forward(asked)


def answering(**changes: Any) -> Change:
    """Every answer with these fields replaced."""

    async def change(asked: Asked, forward: Forward) -> Answered:
        return replace(await forward(asked), **changes)

    return change


@contextlib.asynccontextmanager
async def wrong(origin: str, change: Change) -> AsyncIterator[str]:
    """The address at which `origin` answers, changed."""
    addresses: list[str] = []
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:

        async def forward(asked: Asked) -> Answered:
            host = origin.partition("://")[2]
            own = addresses[0].partition("://")[2]
            headers = {**asked.headers, "host": host if asked.headers.get("host") == own else asked.headers["host"]}  # fmt: skip
            headers.pop("content-length", None)
            answer = await client.request(
                asked.method, origin + asked.path, headers=headers, content=asked.body
            )
            body = answer.content.replace(origin.encode(), addresses[0].encode())
            told = {k: v.replace(origin, addresses[0]) for k, v in answer.headers.items()}
            return Answered(answer.status_code, told, body)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            body = b""
            headers = {k.decode(): v.decode("latin-1") for k, v in scope["headers"]}
            # an announced body that never comes is not waited for
            more = int(headers.get("content-length") or 0) < LARGE_BYTES
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            query = scope["query_string"].decode()
            asked = Asked(
                scope["method"], scope["path"] + (f"?{query}" if query else ""), headers, body
            )
            answer = await change(asked, forward)
            kept = [(k.encode(), v.encode("latin-1")) for k, v in answer.headers.items() if k not in DROPPED]  # fmt: skip
            await send({"type": "http.response.start", "status": answer.status, "headers": kept})
            await send({"type": "http.response.body", "body": answer.body})

        async with listening(app) as port:
            addresses.append(f"http://127.0.0.1:{port}")
            yield addresses[0]
            await asyncio.sleep(0)


def seen_through(at: Deployment, address: str) -> Deployment:
    """The same deployment, reached at another address."""
    endpoints = tuple(
        Endpoint(one.name, one.url.replace(at.origin, address), one.scope) for one in at.endpoints
    )
    return replace(at, origin=address, endpoints=endpoints, _lists={})
