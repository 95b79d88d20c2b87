"""A pooled HTTP/1.1 client for servers and the issuer: POST, no redirects, no cookies, no proxy.

Who stops waiting closes the connection, at once: that is how a server hears that its caller has
gone (Streamable HTTP, section "Cancellation"). Clients whose requests outlive a cancelled task
would leave every abandoned tool running.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

import httptools

CONNECT_SECONDS = 2.0
IDLE_SECONDS = (
    4.0  # shorter than uvicorn's keep-alive of 5: a server must not close under a request
)
LINGER_SECONDS = 0.05  # for the end of a stream whose last event was read
READ_AHEAD = 262_144  # bytes a server may send before somebody reads them
MAX_HEADERS = 65_536

Origin = tuple[str, str, int]


class UnreachableError(Exception):
    """No connection: nothing was sent."""


class BrokenError(Exception):
    """The connection broke, or did not speak HTTP; what the server did is unknown."""


class Reply:
    """One response; its body is read chunk by chunk."""

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers

    async def read_chunk(self) -> bytes | None:
        """The next part of the body; None at its end."""
        return await self._connection.chunk()

    async def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            BrokenError: it broke off, or is longer than the limit.

        """
        chunks, size = [], 0
        while (chunk := await self.read_chunk()) is not None:
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise BrokenError("too long")
        return b"".join(chunks)


class Outbound:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        # the default trust store honours SSL_CERT_FILE
        self._tls = tls or ssl.create_default_context()
        self._idle: dict[Origin, list[_Connection]] = {}
        self._open: set[_Connection] = set()

    @asynccontextmanager
    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> AsyncIterator[Reply]:
        """Send one request; the connection is kept when the answer came to its end.

        Raises:
            UnreachableError: no connection could be made.
            BrokenError: it broke before the answer's head was there.

        """
        origin, host, path = _parts(url)
        data = _head(host, path, headers, len(body)) + body
        connection = self._kept(origin) or await self._connected(origin)
        try:
            connection.send(data)
            await connection.answered()
            yield Reply(connection)
        except BaseException:
            connection.abort()
            raise
        if connection.reusable:
            self._keep(origin, connection)
        else:  # whoever has the last event of a stream does not wait for the stream's end
            loop = asyncio.get_running_loop()
            loop.call_later(LINGER_SECONDS, self._keep, origin, connection)

    async def aclose(self) -> None:
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()

    def _keep(self, origin: Origin, connection: "_Connection") -> None:
        if not connection.reusable:
            connection.abort()
            return
        connection.idle_since = time.monotonic()
        self._idle.setdefault(origin, []).append(connection)

    def _kept(self, origin: Origin) -> "_Connection | None":
        kept = self._idle.get(origin, [])
        while kept:
            connection = kept.pop()
            if connection.usable and time.monotonic() - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    async def _connected(self, origin: Origin) -> "_Connection":
        scheme, host, port = origin
        tls = self._tls if scheme == "https" else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: _Connection(self._open), host, port, ssl=tls
                )
        except (OSError, TimeoutError) as error:
            raise UnreachableError(type(error).__name__) from error
        return connection


class _Connection(asyncio.Protocol):
    """One connection and the response it is reading; methods named on_… are the parser's."""

    def __init__(self, registry: "set[_Connection]") -> None:
        self._registry = registry
        self._transport: asyncio.Transport | None = None
        self._failure: BrokenError | None = None
        self._wake: asyncio.Future[None] | None = None
        self.idle_since = 0.0
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.headers: dict[str, str] = {}
        self.status = 0
        self._header_bytes = 0
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._paused = False
        self._answered = False
        self._complete = False
        self._lasting = False

    # --- for the one who asks

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        read = self._complete and not self._chunks
        return self.usable and read and self._failure is None and self._lasting

    def send(self, data: bytes) -> None:
        assert self._transport is not None  # noqa: S101  set by connection_made, before anyone has us
        self._begin()
        self._transport.write(data)

    async def answered(self) -> None:
        while not self._answered:
            await self._news()

    async def chunk(self) -> bytes | None:
        while not self._chunks:
            if self._complete:
                return None
            await self._news()
        chunk = b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused and self.usable and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return chunk

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _news(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._wake = asyncio.get_running_loop().create_future()
        await self._wake

    def _tell(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _fail(self, why: str) -> None:
        if self._failure is None:
            self._failure = BrokenError(why)
        self._tell()
        self.abort()

    # --- for the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._registry.add(self)

    def data_received(self, data: bytes) -> None:
        if self._complete:  # nobody has asked for this
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(type(error).__name__)
        self._tell()
        if self._buffered > READ_AHEAD and self.usable and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._registry.discard(self)
        until_the_end = not {"content-length", "transfer-encoding"} & self.headers.keys()
        if self._answered and until_the_end and exc is None:
            self._complete = True
        if not self._complete:
            self._failure = self._failure or BrokenError("connection lost")
        self._tell()

    # --- for the parser

    def on_message_begin(self) -> None:
        if self._complete:
            self._fail("a second answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADERS:
            self._fail("headers too large")
            return
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:  # a note on the way; the answer is still to come
            self.headers.clear()
        else:
            self._answered = True

    def on_body(self, body: bytes) -> None:
        if self._failure is None:
            self._chunks.append(body)
            self._buffered += len(body)

    def on_message_complete(self) -> None:
        self._complete = self._answered
        self._lasting = self._parser.should_keep_alive()  # asked later, the parser has forgotten


@lru_cache(maxsize=256)
def _parts(url: str) -> tuple[Origin, str, str]:
    """Where to connect, the Host header, and the path."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"not an http(s) URL: {url!r}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.netloc.rpartition("@")[2]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return (parts.scheme, parts.hostname, port), host, path


def _head(host: str, path: str, headers: Mapping[str, str], size: int) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", f"content-length: {size}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a header with a line end in it")
    return (head + "\r\n\r\n").encode("latin-1")
