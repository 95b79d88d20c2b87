"""tools/list of a remote server over HTTP, with a cap on what it may send."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import httpx2
from mcp.client.streamable_http import streamable_http_client

from mcp_playbook.vet.collect.listing import MOST_BYTES, SECONDS, listed
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.record import Source

TOKEN = "MCP_TOKEN"  # noqa: S105  the variable's name


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, transport: "CappedTransport") -> None:
        self._inner, self._transport = inner, transport

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._transport.take(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


class CappedTransport(httpx2.AsyncHTTPTransport):
    """Stops reading when all answers together exceed `MOST_BYTES`."""

    def __init__(self) -> None:
        super().__init__()
        self.left = MOST_BYTES
        self.refused: int | None = None

    @property
    def exceeded(self) -> bool:
        return self.left < 0

    def take(self, count: int) -> None:
        self.left -= count
        if self.exceeded:
            raise httpx2.ReadError("more than may be sent")

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # compressed answers would grow after they were counted
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.status_code in {401, 403}:
            self.refused = response.status_code
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Capped(response.stream, self)
        return response


async def collect(address: str, *, seconds: float = SECONDS) -> Source:
    """The server's list; a token is taken from MCP_TOKEN and sent to this address alone.

    Raises:
        NotHadError: it does not answer as an MCP server does, in time and in bounds.

    """
    token = os.environ.get(TOKEN)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    transport = CappedTransport()
    async with httpx2.AsyncClient(transport=transport, headers=headers, timeout=seconds) as client:
        streams = streamable_http_client(
            address, http_client=client, terminate_on_close=False, max_sse_event_size=MOST_BYTES
        )
        try:
            server = await listed(streams, seconds=seconds)
        except NotHadError as error:
            if transport.exceeded:
                most = MOST_BYTES // 1024 // 1024
                raise NotHadError(f"the server sent more than {most} MiB") from error
            if transport.refused:
                do = f"put a token into {TOKEN}" if not token else f"{TOKEN} does not open it"
                raise NotHadError(f"the server answers {transport.refused}; {do}") from error
            raise
    told = "tools/list over HTTP" + (", with a token" if token else "")
    return Source({"servers": [server]}, f"{told}, {shown(address)}", datetime.now(UTC))


def shown(address: str) -> str:
    """An address without its query, which may hold a key."""
    return urlunsplit(urlsplit(address)._replace(query="", fragment=""))
