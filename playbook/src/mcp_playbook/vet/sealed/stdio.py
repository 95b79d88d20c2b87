"""A sealed process as a transport of the SDK's client, with a cap on what it may write.

Kills what it started, and keeps the last words of stderr for the message.
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from mcp_playbook.vet.collect.listing import MOST_BYTES

MOST_LINES = 10_000
CHUNK = 65_536
EMPTYING_SECONDS = 5.0
KEPT_STRANGERS = 5
ERROR_BYTES = 16_384


@dataclass
class Heard:
    """What the process said beside the protocol."""

    strangers: list[str] = field(default_factory=list)
    count: int = 0
    errors: str = ""
    exceeded: bool = False
    code: int | None = None


@asynccontextmanager
async def transport(command: Sequence[str], heard: Heard) -> AsyncIterator[TransportStreams]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={}, cwd="/", start_new_session=True
    )
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](16)
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage](16)
    pipes = [
        asyncio.create_task(_read(process, to_client, heard)),
        asyncio.create_task(_write(process, from_client)),
    ]
    errors = asyncio.create_task(_errors(process, heard))
    try:
        yield from_server, to_server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for task in pipes:
            task.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)
        await _emptied(process, errors)
        code = await process.wait()
        heard.code = code if heard.code is None else heard.code
        for stream in (to_client, from_server, to_server, from_client):
            stream.close()


async def _emptied(process: Process, errors: asyncio.Task[None]) -> None:
    """What the dead process left in its pipes; asyncio frees them at their end alone."""
    assert process.stdout is not None  # noqa: S101  a pipe was asked for
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(EMPTYING_SECONDS):
            while await process.stdout.read(CHUNK):
                pass
            await errors
    errors.cancel()
    await asyncio.gather(errors, return_exceptions=True)


async def _read(
    process: Process, to_client: MemoryObjectSendStream[SessionMessage | Exception], heard: Heard
) -> None:
    """Lines to messages; a line that is none is kept as a stranger and not passed on."""
    assert process.stdout is not None  # noqa: S101  a pipe was asked for
    rest, taken, lines_seen = b"", 0, 0
    async with to_client:
        while chunk := await process.stdout.read(CHUNK):
            taken += len(chunk)
            if taken > MOST_BYTES:
                heard.exceeded = True
                return
            *lines, rest = (rest + chunk).split(b"\n")
            lines_seen += len(lines)
            if lines_seen > MOST_LINES:
                heard.exceeded = True
                return
            for line in lines:
                await _pass_on(line, to_client, heard)
        heard.code = await process.wait()


async def _pass_on(
    line: bytes, to_client: MemoryObjectSendStream[SessionMessage | Exception], heard: Heard
) -> None:
    if not line.strip():
        return
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        heard.count += 1
        if len(heard.strangers) < KEPT_STRANGERS:
            heard.strangers.append(line.decode("utf-8", "replace")[:100])
        return
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        await to_client.send(SessionMessage(message))


async def _write(process: Process, from_client: MemoryObjectReceiveStream[SessionMessage]) -> None:
    assert process.stdin is not None  # noqa: S101  a pipe was asked for
    async with from_client:
        async for one in from_client:
            text = one.message.model_dump_json(by_alias=True, exclude_unset=True)
            try:
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()
            except OSError:
                return


async def _errors(process: Process, heard: Heard) -> None:
    """The end of stderr; the pipe is emptied so that the process does not block on it."""
    assert process.stderr is not None  # noqa: S101  a pipe was asked for
    while chunk := await process.stderr.read(CHUNK):
        heard.errors = (heard.errors + chunk.decode("utf-8", "replace"))[-ERROR_BYTES:]
