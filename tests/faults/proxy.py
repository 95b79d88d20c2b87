"""A wire to PostgreSQL that delays, cuts in the middle, swallows or refuses, as it is told."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

PIECE = 65_536
AT_ONCE = struct.pack("ii", 1, 0)  # close with RST: what was on its way is gone


class Proxy:
    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0
        self.delay = 0.0  # seconds, each way
        self.slice = PIECE  # bytes at a time
        self.left: int | None = None  # bytes until every connection is reset
        self.resets = 0

    async def open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._link, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """New connections are refused; the old ones are reset."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.reset()

    def swallow(self) -> None:
        """Connections stay, and nothing comes through any more."""
        self._flowing.clear()

    async def mend(self) -> None:
        swallowed = not self._flowing.is_set()
        self.delay, self.slice, self.left = 0.0, PIECE, None
        if swallowed:  # a black hole gives nothing back
            self.reset()
        self._flowing.set()
        await self.open()

    def reset(self) -> None:
        self.resets += 1
        for link in list(self._links):
            with contextlib.suppress(OSError):
                raw: socket.socket = link.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            link.transport.abort()

    async def _link(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            await self._flowing.wait()
            far, on = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            back.transport.abort()
            return
        self._links |= {back, on}
        try:
            await asyncio.gather(self._pump(near, on), self._pump(far, back))
        finally:
            self._links -= {back, on}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(self.slice):
                await self._flowing.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.left is not None and len(data) >= self.left:
                    writer.write(data[: self.left])
                    self.left = None
                    self.reset()
                    return
                if self.left is not None:
                    self.left -= len(data)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@contextlib.asynccontextmanager
async def running(target: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(target)
    await proxy.open()
    try:
        yield proxy
    finally:
        proxy._flowing.set()
        proxy.refuse()
        await asyncio.sleep(0)
