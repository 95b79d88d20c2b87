"""One HTTP response and its JSON-RPC message, in the client's era."""

from typing import Any

import msgspec
from starlette.types import Send

from mcp_gateway.call import Answer, Call, Raw
from mcp_gateway.sse import COMMENT, event

_encode = msgspec.json.Encoder().encode


class Response:
    """One HTTP response: JSON, unless a notification went first; then a stream of events."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._streaming = False

    async def empty(self, status: int) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": []})
        await self._send({"type": "http.response.body", "body": b""})

    async def notify(self, message: bytes) -> None:
        if not self._streaming:
            self._streaming = True
            headers = [
                (b"content-type", b"text/event-stream"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": event(message), "more_body": True})

    async def keep_alive(self) -> None:
        """A comment, on a stream; JSON that has not begun can wait."""
        if self._streaming:
            await self._send({"type": "http.response.body", "body": COMMENT, "more_body": True})

    async def answer(
        self, call: Call | None, answer: Answer, request_id: Raw | None = None
    ) -> None:
        body = envelope(call, answer, request_id)
        if self._streaming:
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
