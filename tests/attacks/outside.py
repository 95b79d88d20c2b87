"""A gateway process as a house, and raw sockets into it: for what no client library would send."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

import httpx2
import pytest
import pytest_asyncio
from attacks.oracle import Told, unharmed
from attacks.process import Running, gateway_process
from house.backends import counted_server
from house.house import House, ledger_database
from people import Issuer

from mcp_gateway import app as gateway_app
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey

ANSWER_SECONDS = 10.0


@dataclass
class Outside:
    """The house around a gateway that runs as a process of its own."""

    home: House
    running: Running
    read: int = 0

    @property
    def port(self) -> int:
        return self.running.port

    @property
    def pid(self) -> int:
        return self.running.process.pid

    @contextlib.asynccontextmanager
    async def unharmed(self, *, records: int | None, upstream: int = 0) -> AsyncIterator[Told]:
        """The oracle, for the process: its log and its memory."""
        self.logged()
        async with unharmed(
            self.home, records=records, upstream=upstream, pid=self.pid
        ) as told:  # fmt: skip
            yield told
            told.hear(self.logged())

    def logged(self) -> bytes:
        """What the process has logged since it was asked last."""
        log = self.running.log.read_bytes()[self.read :]
        self.read += len(log)
        return log


# as in the product, but so that a test need not wait
DEADLINES = {
    "mcp_gateway.door.connection.HEAD_SECONDS": 1.5,
    "mcp_gateway.door.connection.LEFT_SECONDS": 1.0,
    "mcp_gateway.door.edge.BODY_SECONDS": 1.5,
}


@pytest_asyncio.fixture(scope="module")
async def out(
    tmp_path_factory: pytest.TempPathFactory,
    issuer: Issuer,
    postgres_server: Postgres,
    ledger_template: str,
    valkey_server: Valkey,
) -> AsyncIterator[Outside]:
    """One gateway process for a whole file."""
    folder = tmp_path_factory.mktemp("outside") / "house"
    async with (
        counted_server(issuer) as server,
        ledger_database(postgres_server.url(), ledger_template) as ledger,
        gateway_process(
            folder, issuer, ledger, valkey_server.url, server, constants=DEADLINES, durable=False
        ) as running,
        httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{running.port}", trust_env=False
        ) as http,
    ):  # fmt: skip
        gateway = gateway_app.build(running.settings)  # for its settings alone
        yield Outside(House(gateway, http, issuer, server, ledger), running)


# --- sockets


@dataclass
class Heard:
    """What came back over one connection, and whether the other side ended it."""

    data: bytes = b""
    ended: bool = False
    statuses: list[int] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.statuses[0] if self.statuses else 0


@contextlib.asynccontextmanager
async def connection(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def send(
    port: int, parts: Iterable[bytes], *, quiet: float = 0.3, pause: float = 0.0
) -> Heard:
    """Send these bytes, and hear what comes until the other side ends, or says no more."""
    async with connection(port) as (reader, writer):
        # heard while it is sent: a reset takes with it what was not read
        hearing = asyncio.create_task(hear(reader, quiet=quiet))
        with contextlib.suppress(OSError):
            for part in parts:
                if hearing.done():
                    break
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
        return await hearing


async def hear(reader: asyncio.StreamReader, *, quiet: float = 0.3) -> Heard:
    """Until the end, or until nothing has come for a while after something has."""
    heard, wait = Heard(), ANSWER_SECONDS
    with contextlib.suppress(TimeoutError):
        while not heard.ended:
            async with asyncio.timeout(wait):
                try:
                    data = await reader.read(65_536)
                except OSError:
                    data = b""
            heard.data += data
            heard.ended = not data
            wait = quiet
    heard.statuses = statuses(heard.data)
    return heard


def statuses(data: bytes) -> list[int]:
    """Of every response in these bytes, by their lengths."""
    found: list[int] = []
    while data.startswith(b"HTTP/1."):
        head, _, rest = data.partition(b"\r\n\r\n")
        found.append(int(head.split(b" ", 2)[1]))
        lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
        headers = {key.strip().lower(): value.strip() for key, _, value in lines}
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            rest = rest.partition(b"0\r\n\r\n")[2]
        else:
            rest = rest[int(headers.get(b"content-length", b"0")) :]
        data = rest
    return found


def raw(
    headers: Iterable[tuple[str, str]] | Mapping[str, str],
    body: bytes = b"",
    *,
    line: str = "POST /mcp HTTP/1.1",
    host: str | None = "localhost:8080",
    length: bool = True,
) -> bytes:
    """A request as it goes over the wire; every header as often as it is given."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if host is not None:
        pairs.insert(0, ("Host", host))
    if length:
        pairs.append(("Content-Length", str(len(body))))
    lines = "".join(f"{key}: {value}\r\n" for key, value in pairs)
    return f"{line}\r\n{lines}\r\n".encode("latin-1") + body
