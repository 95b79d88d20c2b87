"""tools/list of a running server, by the SDK's client over any transport, as the server sent it.

The SDK's models drop keys they do not know. What is hidden there is hidden all the same, so the
answers are read off the transport before the models see them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, cast

import httpx2
from mcp import Client, MCPError
from mcp.client._transport import ReadStream, Transport, TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import Implementation, JSONRPCNotification, JSONRPCResponse

from mcp_playbook.vet.collect.outcome import NotHadError

SECONDS = 60.0  # for all of it; a first start inside the namespace takes a few
REPLY_SECONDS = 15.0
MOST_BYTES = 8 * 1024 * 1024  # of everything the server sends
MOST_PAGES, MOST_TOOLS = 50, 1000
_INFO = "io.modelcontextprotocol/serverInfo"  # where 2026-07-28 says the name
_ABOUT = ("serverInfo", "instructions", "protocolVersion", "supportedVersions")


class _Overheard:
    """A read stream that keeps the results passing through it and drops notifications."""

    def __init__(self, inner: ReadStream[SessionMessage | Exception]) -> None:
        self._inner = inner
        self.results: list[dict[str, Any]] = []

    async def receive(self) -> SessionMessage | Exception:
        return await self._next(self._inner.receive)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return await self._next(self._inner.__anext__)

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, trace)

    async def _next(
        self, receive: Callable[[], Awaitable[SessionMessage | Exception]]
    ) -> SessionMessage | Exception:
        while True:
            item = await receive()
            message = item.message if isinstance(item, SessionMessage) else None
            if isinstance(message, JSONRPCResponse):
                self.results.append(message.result)
            if not isinstance(message, JSONRPCNotification):
                return item


@asynccontextmanager
async def _overhearing(
    transport: Transport, into: list[_Overheard]
) -> AsyncIterator[TransportStreams]:
    async with transport as (read, write):
        heard = _Overheard(read)
        into.append(heard)
        yield heard, write


async def listed(transport: Transport, *, seconds: float = SECONDS) -> dict[str, Any]:
    """What the server says of itself, and every tool, page by page.

    Raises:
        NotHadError: it does not answer as an MCP server does, in time and in bounds.

    """
    streams: list[_Overheard] = []
    client = Client(
        cast("Transport", _overhearing(transport, streams)),
        read_timeout_seconds=min(REPLY_SECONDS, seconds / 2),
        client_info=Implementation(name="mcp-playbook-vet", version="0.1.0"),
        cache=None,
    )
    try:
        async with asyncio.timeout(seconds), client:
            tools = await _every_page(client, streams[0])
    except TimeoutError as error:
        raise NotHadError(f"the server did not answer within {seconds:.0f} s") from error
    except MCPError as error:
        raise NotHadError(f"the server answered an error: {_short(error)}") from error
    except Exception as error:  # any failure of a foreign server is a finding, not a crash
        cause = _first(error)
        if isinstance(cause, NotHadError):
            raise cause from error
        if isinstance(cause, httpx2.TimeoutException | TimeoutError):
            words = f"the server did not answer within {seconds:.0f} s"
            raise NotHadError(words) from error
        raise NotHadError(f"no MCP conversation: {_short(cause)}") from error
    return {**_about(streams[0].results), "tools": tools}


async def _every_page(client: Client, heard: _Overheard) -> list[dict[str, Any]]:
    """The tools as they were sent, of the pages that the SDK's models accepted."""
    found: list[dict[str, Any]] = []
    cursor = None
    for _ in range(MOST_PAGES):
        before = len(heard.results)
        page = await client.list_tools(cursor=cursor)
        sent = [one["tools"] for one in heard.results[before:] if "tools" in one]
        if len(sent) != 1:
            raise NotHadError(f"the server answered tools/list {len(sent)} times")
        found += sent[0]
        if len(found) > MOST_TOOLS:
            raise NotHadError(f"the server lists more than {MOST_TOOLS} tools")
        if (cursor := page.next_cursor) is None:
            return found
    raise NotHadError(f"the server's list has more than {MOST_PAGES} pages")


def _about(results: list[dict[str, Any]]) -> dict[str, Any]:
    """What it says of itself, as it said it first."""
    about = {key: one[key] for one in reversed(results) for key in _ABOUT if key in one}
    metas = [one["_meta"] for one in results if isinstance(one.get("_meta"), dict)]
    named = about.get("serverInfo") or next((m[_INFO] for m in metas if _INFO in m), None)
    name = named.get("name") if isinstance(named, dict) else None
    return {"name": str(name or "server"), **about}


def _first(error: BaseException) -> BaseException:
    """The cause inside groups of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
