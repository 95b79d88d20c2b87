"""A pooled HTTP client for servers and the issuer: POST, no redirects, no cookies, no proxy.

Who stops waiting closes the connection, at once: that is how a server hears that its caller has
gone (Streamable HTTP, section "Cancellation"). aiohttp does so; clients whose requests outlive a
cancelled task would leave every abandoned tool running.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp

CONNECT_SECONDS = 2.0
IDLE_SECONDS = 4.0  # shorter than uvicorn's keep-alive of 5: it must not close under a request


READ_AHEAD = 262_144  # bytes a server may send before somebody reads them


class UnreachableError(Exception):
    """No connection: nothing was sent."""


class BrokenError(Exception):
    """The connection broke, or did not speak HTTP; what the server did is unknown."""


class Reply:
    """One response; its body is read chunk by chunk."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        # lower-case names
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    async def read_chunk(self) -> bytes | None:
        """The next part of the body; None at its end."""
        try:
            return await self._response.content.readany() or None
        except aiohttp.ClientError as error:
            raise BrokenError(type(error).__name__) from error

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
    """Open within a running event loop; close with `aclose`."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            read_bufsize=READ_AHEAD,
        )

    @asynccontextmanager
    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> AsyncIterator[Reply]:
        """Send one request; the connection is kept when the answer was read to its end.

        Raises:
            UnreachableError: no connection could be made.
            BrokenError: it broke before the answer's head was there.
            ValueError: not an http(s) URL, or a header with a line end in it.

        """
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"not an http(s) URL: {url!r}")
        try:
            response = await self._session.post(
                url, headers=headers, data=body, allow_redirects=False
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise UnreachableError(type(error).__name__) from error
        except aiohttp.InvalidURL as error:
            raise ValueError(f"not an http(s) URL: {url!r}") from error
        except aiohttp.ClientError as error:
            raise BrokenError(type(error).__name__) from error
        try:
            yield Reply(response)
        finally:
            # releases a finished response to the pool, closes an unfinished one
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    async def aclose(self) -> None:
        await self._session.close()
