"""Server-sent events from a server: the JSON-RPC messages in them, one at a time, each bounded."""

from collections.abc import AsyncIterator
from typing import Protocol


class MessageTooLargeError(Exception):
    """One event is larger than the gateway passes on."""


class Reader(Protocol):
    async def read_chunk(self) -> object: ...


async def messages(reader: Reader, cap: int) -> AsyncIterator[bytes]:
    """The `data` of each event; comments and events without data are skipped."""
    buffer = b""
    while (chunk := await reader.read_chunk()) is not None:
        buffer += bytes(chunk).replace(b"\r\n", b"\n")  # type: ignore[call-overload]
        if len(buffer) > cap:
            raise MessageTooLargeError
        while (end := buffer.find(b"\n\n")) >= 0:
            event, buffer = buffer[:end], buffer[end + 2 :]
            lines = [line[5:].lstrip() for line in event.split(b"\n") if line.startswith(b"data:")]
            if data := b"\n".join(lines):
                yield data


def event(message: bytes) -> bytes:
    return b"event: message\ndata: " + message.replace(b"\n", b"\ndata: ") + b"\n\n"
