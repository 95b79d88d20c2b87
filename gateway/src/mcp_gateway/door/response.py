"""One HTTP response and its JSON-RPC message, in the client's era."""

import asyncio
from typing import Any

import msgspec
from starlette.types import Send

from mcp_gateway.call import Answer, Call, Emit, Raw

_encode = msgspec.json.Encoder().encode


COMMENT = b": still here\n\n"
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
QUIET_SECONDS = 15.0  # proxies close what is silent for a minute


class Response:
    """One HTTP response: JSON, unless a notification went first; then a stream of events.

    A stream that has nothing to say for a while says so, lest somebody between closes it.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._alive: asyncio.Task[None] | None = None
        self.may_stream = False

    @property
    def emit(self) -> Emit | None:
        """Where notifications go; None for a client that takes no stream."""
        return self._notify if self.may_stream else None

    async def empty(self, status: int) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": []})
        await self._send({"type": "http.response.body", "body": b""})

    async def _notify(self, message: bytes) -> None:
        if self._alive is None:
            headers = [
                (b"content-type", b"text/event-stream"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            self._alive = asyncio.create_task(self._keep_alive())
        await self._send({"type": "http.response.body", "body": event(message), "more_body": True})

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(QUIET_SECONDS)
            await self._send({"type": "http.response.body", "body": COMMENT, "more_body": True})

    def end(self) -> None:
        """Nothing more is said on a stream."""
        if self._alive is not None:
            self._alive.cancel()

    async def answer(
        self, call: Call | None, answer: Answer, request_id: Raw | None = None
    ) -> None:
        body = envelope(call, answer, request_id)
        if self._alive is not None:
            self.end()
            await self._send({"type": "http.response.body", "body": event(body)})
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *((key.encode(), value.encode("latin-1")) for key, value in answer.headers),
        ]
        await self._send({"type": "http.response.start", "status": answer.http, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


LEGACY_DROPS = ("resultType", "ttlMs", "cacheScope")


def envelope(call: Call | None, answer: Answer, request_id: Raw | None = None) -> bytes:
    """The JSON-RPC response, in the client's era; at the door there is an id, at most."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": call.request_id if call else request_id}
    if answer.error is not None or answer.result is None:
        message["error"] = answer.error or {"code": -32603, "message": "Internal error"}
    elif call is not None and call.era == "legacy":
        message["result"] = {k: v for k, v in answer.result.items() if k not in LEGACY_DROPS}
    else:
        message["result"] = {"resultType": "complete", **answer.result}
    return _encode(message)


def event(message: bytes) -> bytes:
    """One event, one line: line ends are whitespace to JSON, and structure to the stream."""
    return b"event: message\ndata: " + message.translate(_ONE_LINE) + b"\n\n"
