"""Server-sent events from a server: the JSON-RPC messages in them, one at a time, each bounded."""

from collections.abc import AsyncIterator
from typing import Protocol

STREAM_CAPS = 4  # of a message, that a stream with all its notifications may have


class MessageTooLargeError(Exception):
    """One event is larger than the gateway passes on."""


class Reader(Protocol):
    async def read_chunk(self) -> bytes | None: ...


async def messages(reader: Reader, cap: int) -> AsyncIterator[bytes]:
    """The `data` of each event; comments and events without data are skipped.

    Each message is bounded, and so is all of the stream. A line is put together once, however small
    the pieces it comes in.
    """
    rest, data, size, whole = bytearray(), [], 0, 0
    while (chunk := await reader.read_chunk()) is not None:
        whole += len(chunk)
        ended = rest.endswith(b"\r") or b"\n" in chunk or b"\r" in chunk
        rest += chunk
        if ended:
            # lines end in LF, CR or both; a CR at the very end may be half of both
            end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
            for line in bytes(rest[:end]).splitlines():
                if line.startswith(b"data:"):
                    data.append(line[5:].removeprefix(b" "))
                    size += len(data[-1])
                elif not line:
                    if data:
                        yield b"\n".join(data)
                    data, size = [], 0
            del rest[:end]
        if size + len(rest) > cap or whole > STREAM_CAPS * cap:
            raise MessageTooLargeError
