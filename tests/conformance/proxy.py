"""Puts a person's token on what the suite sends, which has no option for one.

All else passes as it is, spaces around header values included, and streams unbuffered; a caller
who leaves is noticed upstream. A Host or Origin that is not the proxy's own arrives as forged.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class TokenProxy:
    """An ASGI app in front of `origin`, known there as `host`."""

    def __init__(self, origin: str, host: str, token: Callable[[], str]) -> None:
        self._origin = origin
        self._host = host
        self._token = token
        self._own: set[str] = set()
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[None]:
        self._own = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as self._session:
            yield

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self._session is not None
        sent = [(key.decode(), value.decode("latin-1")) for key, value in scope["headers"]]
        headers = [pair for pair in sent if pair[0] not in HOP | {"host", "authorization"}]
        host = dict(sent).get("host", "")
        headers += [
            ("host", self._host if host in self._own else host),
            ("authorization", f"Bearer {self._token()}"),
        ]
        url, body = self._origin + scope["path"], await _body(receive)
        async with self._session.request(
            scope["method"], url, headers=headers, data=body, allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        ) as response:  # fmt: skip
            kept = [
                (key.lower().encode(), value.encode("latin-1"))
                for key, value in response.headers.items()
                if key.lower() not in HOP
            ]
            start = {"type": "http.response.start", "status": response.status}
            await send({**start, "headers": kept})
            await _relay(response, receive, send)


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _relay(response: aiohttp.ClientResponse, receive: Any, send: Any) -> None:
    async def pump() -> None:
        async for chunk in response.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = {asyncio.ensure_future(pump()), asyncio.ensure_future(gone())}
    _, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
    await asyncio.wait(tasks)
