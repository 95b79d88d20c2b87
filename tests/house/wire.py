"""One HTTP exchange with an ASGI app, message by message: for what a client library would hide."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Wire:
    app: Any
    headers: Mapping[str, str] | list[tuple[bytes, bytes]]
    chunks: Iterable[bytes]
    path: str = "/mcp"
    verb: str = "POST"
    # how many chunks the app has asked for, and what it has sent
    pulled: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)
    # set it: the client closes its connection
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> "Wire":
        raw = (
            self.headers
            if isinstance(self.headers, list)
            else [(key.encode(), value.encode("latin-1")) for key, value in self.headers.items()]
        )
        if not any(key == b"host" for key, _ in raw):
            raw = [(b"host", b"localhost:8080"), *raw]
        scope = {
            "type": "http", "method": self.verb, "path": self.path, "raw_path": self.path.encode(),
            "query_string": b"", "headers": raw, "http_version": "1.1", "scheme": "http",
            "asgi": {"version": "3.0"}, "client": ("127.0.0.1", 1), "server": ("localhost", 8080),
            "root_path": "",
        }  # fmt: skip
        body = self._messages()

        async def receive() -> dict[str, Any]:
            message = next(body, None)
            if message is not None:
                self.pulled += 1
                return message
            await self.leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            self.sent.append(message)
            self.first.set()

        await self.app(scope, receive, send)
        return self

    def _messages(self) -> Iterator[dict[str, Any]]:
        for chunk in self.chunks:
            yield {"type": "http.request", "body": chunk, "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def answer_headers(self) -> dict[str, str]:
        return {key.decode(): value.decode() for key, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def events(body: bytes) -> list[dict[str, Any]]:
    """The messages of an event stream, as a client reads them (any line ending)."""
    found = []
    for block in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n"):
        data = b"\n".join(
            line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:")
        )
        if data:
            found.append(json.loads(data))
    return found
