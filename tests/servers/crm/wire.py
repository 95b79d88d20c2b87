"""A wire that can be cut: a small HTTP proxy in front of the sandbox, one connection per request.

It writes down every request line, and which of them landed. It can lose an answer after the request
has landed, which is the failure that makes writes happen twice, or let it land when nobody waits.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, cast

Action = Literal[
    "lose answer", "half answer", "cut", "hold", "pause", "late", "answer", "spoil answer", "tell"
]


@dataclass
class Fault:
    """What happens to the next `times` requests whose first line contains `line`."""

    line: str
    action: Action
    times: int = 1
    skip: int = 0  # requests that still go through before the first
    answer: bytes = b""
    # it has struck; a "late" request, whose sender has gone, or a paused one may go on; the request has landed
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    until: asyncio.Event = field(default_factory=asyncio.Event)
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    then: Callable[[], None] = lambda: None  # once it has landed, before its answer


def answer(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class Wire:
    upstream: int
    port: int = 0
    lines: list[str] = field(default_factory=list)
    landed: list[str] = field(default_factory=list)
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, part: str) -> int:
        return sum(part in line for line in self.lines)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        try:
            await self._carry(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *headers = head.decode("latin-1").split("\r\n")
        named = {h.partition(":")[0].lower(): h.partition(":")[2].strip() for h in headers}
        body = await reader.readexactly(int(named.get("content-length", "0")))
        self.lines.append(line)
        self.bodies.append((line, body))
        self.authorizations.add(named.get("authorization", ""))
        fault = next((one for one in self.faults if one.times and one.line in line), None)
        if fault and fault.skip:
            fault.skip -= 1
            fault = None
        if fault:
            fault.times -= 1
            fault.struck.set()
        if fault and fault.action == "cut":
            return
        if fault and fault.action == "hold":
            await reader.read()
            return
        if fault and fault.action == "answer":
            writer.write(fault.answer)
            return
        if fault and fault.action == "late":
            writer.close()
        if fault and fault.action in {"late", "pause"}:
            await fault.until.wait()
        kept = [h for h in headers if not h.lower().startswith("connection:")]
        sent = "\r\n".join([line, "Connection: close", *kept]).encode("latin-1") + body
        received = await self._forward(sent)
        self.landed.append(line)
        if fault:
            fault.landed.set()
            fault.then()
        if fault and fault.action == "spoil answer":
            writer.write(fault.answer)
        elif fault and fault.action == "half answer":
            writer.write(received[: len(received) - 40])
        elif not fault or fault.action == "pause":
            writer.write(received)
        await writer.drain()

    async def _forward(self, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            writer.write(sent)
            return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    wire = Wire(port)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in wire.tasks:
            task.cancel()
        await asyncio.gather(*wire.tasks, return_exceptions=True)
