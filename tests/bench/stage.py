"""The gateway with its real surroundings: what every run stands on.

It is one process, started as production starts it, in front of a real ledger on a durable
PostgreSQL, a real Valkey, an issuer it exchanges tokens with, and a collector that reads its spans.
"""

import asyncio
import contextlib
import json
import shutil
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from bench import asking, stock
from bench.parts import PYTHON, Part, await_answer, cores, part
from house.house import READER, WRITER, write_folder
from people import Issuer, running_issuer

from mcp_gateway.audit.migrate import migrate
from mcp_gateway.configuration.settings import Settings
from mcp_local import postgres, valkey
from mcp_local.ports import free_port
from mcp_shared import serve

ROOT = Path(__file__).parents[2]
PERSON = "ana"
UNLIMITED = "1000000/second"
POLICY = f"tools:\n  read_shelf: {{ roles: [analyst], rate: {UNLIMITED} }}\n"
LIMITS = f"limits: {{ person_rate: {UNLIMITED}, refused_rate: {UNLIMITED} }}\n"
SPANS = {
    "OTEL_EXPORTER_OTLP_TIMEOUT": "5",
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
    "OTEL_METRIC_EXPORT_INTERVAL": "5000",
}  # as the local stack has them


@dataclass(frozen=True)
class Subject:
    """Whom requests go to: its process, its port, and what is asked of it."""

    name: str
    part: Part
    port: int
    path: str
    tool: str
    era: str = asking.MODERN
    issuer: Issuer | None = None  # of the tokens it wants

    def request(self) -> bytes:
        token = self.issuer.token(PERSON, "aud:mcp") if self.issuer else None
        return asking.request(
            self.path, f"127.0.0.1:{self.port}", self.tool, token=token, era=self.era
        )


@dataclass(frozen=True)
class Office:
    """What one gateway is configured with; `name` is its folder's."""

    name: str
    issuer: Issuer
    settings: Settings
    servers: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    folder: Path
    stack: ExitStack
    office: Office
    database: str
    redis_url: str
    upstream_port: int
    upstream: Part
    sink_port: int

    def arrived(self) -> int:
        """How many spans the collector has read so far."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.sink_port}/", timeout=5) as answer:
            return int(json.load(answer)["spans"])

    def path(self, office: Office, server: str) -> str:
        """Where the upstream plays this server."""
        return f"/{office.name}/{server}/mcp"

    def gateway(
        self,
        name: str = "gateway",
        *,
        office: Office | None = None,
        upstreams: Mapping[str, str] | None = None,
        core: set[int] | None = None,
        command: Sequence[str] = (PYTHON, "-m", "mcp_gateway"),
        stack: ExitStack | None = None,
    ) -> Subject:
        """A gateway on the subject's core; `stack` ends it earlier than the stage ends."""
        office, port = office or self.office, free_port()
        base = f"http://127.0.0.1:{self.upstream_port}"
        reached = upstreams or {one: base + self.path(office, one) for one in office.servers}
        made = office.settings
        env = {
            "GATEWAY_CONFIG": str(made.config),
            "GATEWAY_KEYS": str(made.keys),
            "GATEWAY_PORT": str(port),
            "GATEWAY_REPLICA": name,
            "GATEWAY_LEDGER_URL": made.ledger_url,
            "GATEWAY_LEDGER_READER_URL": made.ledger_reader_url,
            "GATEWAY_REDIS_URL": made.redis_url,
            "GATEWAY_UPSTREAMS": json.dumps(reached),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.sink_port}",
            "OTEL_SERVICE_NAME": name,
            **SPANS,
        }
        chosen = cores()[0] if core is None else core
        started = (stack or self.stack).enter_context(
            part(name, command, self.folder, env=env, core=chosen)
        )
        await_answer(started, f"http://127.0.0.1:{port}/readyz")
        return Subject(name, started, port, "/mcp", "stock_read_shelf", issuer=office.issuer)

    def process(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        *,
        env: Mapping[str, str] | None = None,
        subject: bool = True,
    ) -> Part:
        core = cores()[0 if subject else 1]
        made = self.stack.enter_context(part(name, command, self.folder, env=env, core=core))
        await_answer(made, f"http://127.0.0.1:{port}/")
        return made


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Stage]:
    """The stage without subjects; everything on it ends with this context."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = stack.enter_context(
            postgres.running(folder / "postgres", {"max_connections": "200"})
        )
        store = stack.enter_context(valkey.running(folder / "valkey"))
        issuer = stack.enter_context(running_issuer(folder / "issuer", servers=("stock",)))
        database = cluster.url("ledger")
        asyncio.run(ledger(cluster.url(), database))
        office = furnished(folder / "repository", issuer, database, store.url)
        ports = free_port(), free_port()
        core = cores()[1]
        upstream = stack.enter_context(
            part(
                "upstream",
                [PYTHON, "-m", "bench.upstream", str(ports[0]), str(folder)],
                folder,
                core=core,
            )
        )
        sink = stack.enter_context(
            part("sink", [PYTHON, "-m", "bench.sink", str(ports[1])], folder, core=core)
        )
        await_answer(upstream, f"http://127.0.0.1:{ports[0]}/")
        await_answer(sink, f"http://127.0.0.1:{ports[1]}/")
        yield Stage(folder, stack, office, database, store.url, ports[0], upstream, ports[1])


def furnished(
    folder: Path,
    issuer: Issuer,
    database: str,
    redis_url: str,
    *,
    locks: Mapping[str, Any] | None = None,
    policy: str = POLICY,
) -> Office:
    """Files and addresses for a gateway of its own."""
    locks = locks or {"stock": asyncio.run(serve.definitions(stock.build()))}
    policies = dict.fromkeys(locks, policy)
    made = asyncio.run(write_folder(folder, issuer, list(locks), policies, LIMITS, locks))
    there = database.partition("@")[2]
    urls = {
        "ledger_url": f"postgresql://audit_writer:{WRITER}@{there}",
        "ledger_reader_url": f"postgresql://audit_reader:{READER}@{there}",
        "redis_url": redis_url,
    }
    return Office(folder.name, issuer, made.model_copy(update=urls), tuple(locks))


async def ledger(beside: str, database: str) -> None:
    """A new ledger in a database of its own."""
    connection = await asyncpg.connect(beside)
    await connection.execute(f'CREATE DATABASE "{database.rpartition("/")[2]}"')
    await connection.close()
    await migrate(database, WRITER, READER)
