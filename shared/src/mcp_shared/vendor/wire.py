"""What goes to the vendor and comes back within one call: to its origin alone, and so much of it.

The SDK follows redirects within an origin and has no cap on JSON; here neither is so.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2

CONNECT_SECONDS = 2.0


class RefusedError(httpx2.TransportError):
    """The vendor asked for something that is not done; `code` says what."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def origin(url: str) -> tuple[str, str, int | None]:
    parsed = httpx2.URL(url)
    return parsed.scheme, parsed.host, parsed.port


@dataclass
class Wire(httpx2.AsyncBaseTransport):
    """One call's way out, over connections that all calls share."""

    pool: httpx2.AsyncBaseTransport
    origins: frozenset[tuple[str, str, int | None]]
    left: int  # bytes
    refused: str | None = None  # why the call cannot go on

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if origin(str(request.url)) not in self.origins:
            raise self._refusal("other_origin")
        # compressed answers would grow after they were counted
        request.headers["accept-encoding"] = "identity"
        response = await self.pool.handle_async_request(request)
        if (
            response.is_redirect
            or response.headers.get("content-encoding", "identity") != "identity"
        ):
            await response.aclose()
            raise self._refusal("redirect" if response.is_redirect else "compressed")
        if response.status_code in {401, 403, 429} or response.status_code >= 500:
            self.refused = f"http_{response.status_code}"
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Counted(response.stream, self)
        return response

    async def aclose(self) -> None:
        """The connections outlive the call."""

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise self._refusal("too_large")

    def _refusal(self, code: str) -> RefusedError:
        self.refused = code
        return RefusedError(code)


@dataclass
class _Counted(httpx2.AsyncByteStream):
    inner: httpx2.AsyncByteStream
    wire: Wire

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.inner:
            self.wire.take(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self.inner.aclose()
