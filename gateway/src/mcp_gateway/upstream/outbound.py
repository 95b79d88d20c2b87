"""A pooled HTTP client for servers and the issuer: POST, no redirects, no cookies, no proxy.

Who stops waiting closes the connection, at once: that is how a server hears that its caller has
gone (Streamable HTTP, section "Cancellation"). aiohttp does so; clients whose requests outlive a
cancelled task would leave every abandoned tool running.
"""

from collections.abc import Mapping
from typing import Self

import aiohttp

from mcp_gateway.upstream.resolver import PinnedResolver

CONNECT_SECONDS = 2.0
IDLE_SECONDS = 4.0  # shorter than uvicorn's keep-alive of 5: it must not close under a request


# given, as aiohttp adds what is missing of these, and is slower where it is told not to
OWN = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "mcp-gateway"}
READ_AHEAD = 262_144  # bytes a server may send before somebody reads them


class UnreachableError(Exception):
    """No connection: nothing was sent."""


class BrokenError(Exception):
    """The connection broke, or did not speak HTTP; what the server did is unknown."""


class Reply:
    """One response; its body is read chunk by chunk, inside `with`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers  # whatever the case of a name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # releases a finished response to the pool, closes an unfinished one
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()

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
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=IDLE_SECONDS, resolver=PinnedResolver()
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=READ_AHEAD,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
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
                url, headers={**OWN, **headers}, data=body, allow_redirects=False
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise UnreachableError(type(error).__name__) from error
        except aiohttp.InvalidURL as error:
            raise ValueError(f"not an http(s) URL: {url!r}") from error
        except aiohttp.ClientError as error:
            raise BrokenError(type(error).__name__) from error
        return Reply(response)

    async def aclose(self) -> None:
        await self._session.close()
