"""The client towards servers and issuer, against a raw socket that says what it likes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import uvloop

from mcp_gateway.upstream import outbound
from mcp_gateway.upstream.outbound import BrokenError, Outbound, UnreachableError

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Raw:
    """A server of bytes: it reads one request after the other and answers each by `speak`."""

    speak: Speak
    url: str = ""
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
                await reader.readexactly(size)
                await self.speak(writer)
                if writer.is_closing():
                    break
        self.gone.set()
        writer.close()


@contextlib.asynccontextmanager
async def raw(speak: Speak | bytes) -> AsyncIterator[Raw]:
    async def says(writer: asyncio.StreamWriter) -> None:
        assert isinstance(speak, bytes)
        writer.write(speak)
        await writer.drain()

    made = Raw(says if isinstance(speak, bytes) else speak)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp?x=1"
    try:
        yield made
    finally:
        server.close()


@contextlib.asynccontextmanager
async def client() -> AsyncIterator[Outbound]:
    made = Outbound()
    try:
        yield made
    finally:
        await made.aclose()


async def ask(made: Outbound, url: str, limit: int = 10_000) -> bytes:
    with await made.post(url, {"x-one": "1"}, b"body") as reply:
        return await reply.read(limit)


async def test_a_request_is_what_was_asked_and_its_connection_is_used_again() -> None:
    async with raw(OK) as server, client() as made:
        for _ in range(3):
            assert await ask(made, server.url) == b"ok"
        assert server.connections == 1
        assert server.heads[0].startswith(b"POST /mcp?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"\r\nx-one: 1\r\n" in server.heads[0]
        assert await asyncio.gather(*(ask(made, server.url) for _ in range(5))) == [b"ok"] * 5
        assert 1 < server.connections <= 5


def test_it_speaks_on_the_production_loop_too() -> None:
    async def both() -> tuple[bytes, int]:
        async with raw(OK) as server, client() as made:
            await ask(made, server.url)
            return await ask(made, server.url), server.connections

    assert uvloop.run(both()) == (b"ok", 1)


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 503 Away\r\ncontent-length: 4\r\n\r\naway", b"away"),
    ],
)  # fmt: skip
async def test_every_framing_of_an_answer_is_read(said: bytes, body: bytes) -> None:
    async with raw(said) as server, client() as made:
        assert await ask(made, server.url) == body
        assert await ask(made, server.url) == body
        assert server.connections == 1


async def test_an_answer_may_end_with_its_connection() -> None:
    async def until_the_end(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nall of it")
        writer.close()

    async with raw(until_the_end) as server, client() as made:
        assert await ask(made, server.url) == b"all of it"
        assert await ask(made, server.url) == b"all of it"
        assert server.connections == 2


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x00",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 40_000,
    ],
    ids=range(9),
)
async def test_what_is_no_answer_is_broken(said: bytes) -> None:
    async def once(writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    async with raw(once) as server, client() as made:
        with pytest.raises(BrokenError):
            await ask(made, server.url)
        assert server.connections == 1  # never asked twice: the server may have acted


async def test_a_second_answer_is_not_taken_for_the_next_one() -> None:
    async with raw(OK + OK.replace(b"ok", b"no")) as server, client() as made:
        assert await ask(made, server.url) == b"ok"
        assert await ask(made, server.url) == b"ok"
        assert server.connections == 2


async def test_a_connection_the_server_closed_meanwhile_is_not_used() -> None:
    async def then_close(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        asyncio.get_running_loop().call_later(0.02, writer.close)

    async with raw(then_close) as server, client() as made:
        assert await ask(made, server.url) == b"ok"
        await asyncio.sleep(0.1)
        assert await ask(made, server.url) == b"ok"
        assert server.connections == 2


async def test_an_idle_connection_is_let_go_before_the_server_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbound, "IDLE_SECONDS", 0.0)
    async with raw(OK) as server, client() as made:
        await ask(made, server.url)
        await ask(made, server.url)
        assert server.connections == 2


async def a_head_and_then_nothing(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
    await writer.drain()


@pytest.mark.parametrize("speak", [a_head_and_then_nothing])
async def test_who_stops_waiting_closes_the_connection(speak: Speak) -> None:
    async with raw(speak) as server, client() as made:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(made, server.url)
        await asyncio.wait_for(server.gone.wait(), 10)


async def test_who_stops_waiting_for_the_head_closes_the_connection_too() -> None:
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(1000):
                pass
        closed.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client() as made:
        task = asyncio.create_task(ask(made, f"http://127.0.0.1:{port}/"))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait_for(closed.wait(), 10)
    server.close()


async def test_a_longer_answer_than_wanted_is_not_read_to_its_end() -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            sent += 65_536
            await writer.drain()

    async with raw(endless) as server, client() as made:
        with pytest.raises(BrokenError, match="too long"):
            await ask(made, server.url, limit=1_000_000)
        await asyncio.wait_for(server.gone.wait(), 10)
        assert sent < 50_000_000


async def test_a_reader_who_is_slow_slows_the_server() -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            sent += 65_536
            await writer.drain()

    async with raw(endless) as server, client() as made:
        with await made.post(server.url, {}, b"") as reply:
            await asyncio.sleep(0.3)
            stalled = sent
            await asyncio.sleep(0.2)
            assert sent == stalled
            assert len(await reply.read_chunk() or b"") <= 3 * outbound.READ_AHEAD
        await asyncio.wait_for(server.gone.wait(), 10)


async def test_no_connection_is_told_apart_from_a_broken_one() -> None:
    async with raw(OK) as server:
        pass
    async with client() as made:
        with pytest.raises(UnreachableError):
            await ask(made, server.url)
        with pytest.raises(UnreachableError):
            await ask(made, "http://nowhere.invalid/mcp")


async def test_a_certificate_nobody_vouches_for_is_no_connection() -> None:
    async with raw(OK) as server, client() as made:
        with pytest.raises(UnreachableError):
            await ask(made, server.url.replace("http:", "https:"))


async def test_a_header_cannot_end_the_line() -> None:
    async with raw(OK) as server, client() as made:
        for value in ("a\r\nx-evil: 1", "a\nb", "a\rb"):
            with pytest.raises(ValueError, match="control character"):
                await made.post(server.url, {"x": value}, b"")
        assert server.heads == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x/", "//x/", "http:///x"])
async def test_only_http_urls_are_asked(url: str) -> None:
    async with client() as made:
        with pytest.raises(ValueError, match="not an http"):
            await ask(made, url)
