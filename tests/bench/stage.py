"""Everything that takes part in a run: the gateway with its real surroundings, and whom it is
measured beside.

The gateway is one process, started as production starts it, in front of a real ledger on a durable
PostgreSQL, a real Valkey, an issuer it exchanges tokens with, and a collector that reads its spans.
"""

import asyncio
import contextlib
import json
import shutil
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from bench import asking, stock
from bench.parts import PYTHON, Part, await_answer, cores, part
from house.house import READER, WRITER, write_folder
from people import Issuer, running_issuer

from mcp_gateway.audit.migrate import migrate
from mcp_gateway.settings import Settings
from mcp_local import postgres, valkey
from mcp_local.ports import free_port
from mcp_shared import serve

ROOT = Path(__file__).parents[2]
PUBLIC = "http://localhost:8080"  # the gateway's identity, whatever port it listens on here
UNLIMITED = "1000000/second"
POLICY = f"tools:\n  read_shelf: {{ roles: [analyst], rate: {UNLIMITED} }}\n"
EXTRA = f"limits: {{ person_rate: {UNLIMITED}, refused_rate: {UNLIMITED} }}\n"
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
    person: str | None = None  # signed in as

    def request(self, issuer: Issuer) -> bytes:
        token = issuer.token(self.person, "aud:mcp") if self.person else None
        return asking.request(
            self.path, f"127.0.0.1:{self.port}", self.tool, token=token, era=self.era
        )


@dataclass
class Stage:
    folder: Path
    issuer: Issuer
    settings: Settings
    stack: ExitStack
    database: str
    upstream_port: int
    sink_port: int
    parts: dict[str, Part] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)

    def arrived(self) -> dict[str, int]:
        """What the collector has read so far."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.sink_port}/", timeout=5) as answer:
            found: dict[str, int] = json.load(answer)
        return found

    def gateway(
        self,
        name: str = "gateway",
        *,
        settings: Settings | None = None,
        upstreams: Mapping[str, str] | None = None,
        core: set[int] | None = None,
        tool: str = "stock_read_shelf",
        command: Sequence[str] = (PYTHON, "-m", "mcp_gateway"),
    ) -> Subject:
        """One more gateway: the first is pinned to the subject's core."""
        made, port = settings or self.settings, free_port()
        reached = upstreams or {"stock": f"http://127.0.0.1:{self.upstream_port}/mcp"}
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
        subject_core = cores()[0] if core is None else core
        started = self.stack.enter_context(
            part(name, command, self.folder, env=env, core=subject_core)
        )
        await_answer(started, f"http://127.0.0.1:{port}/readyz")
        self.parts[name] = started
        return Subject(name, started, port, "/mcp", tool, person="ana")

    def process(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        *,
        subject: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Part:
        core = cores()[0 if subject else 1]
        made = self.stack.enter_context(part(name, command, self.folder, env=env, core=core))
        await_answer(made, f"http://127.0.0.1:{port}/")
        self.parts[name] = made
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
        lock = asyncio.run(serve.definitions(stock.build()))
        database = cluster.url("ledger")
        asyncio.run(_ledger(cluster.url(), database))
        there = database.partition("@")[2]
        settings = asyncio.run(
            write_folder(folder / "repository", issuer, ["stock"], {"stock": POLICY}, EXTRA,
                         {"stock": lock})
        ).model_copy(
            update={
                "ledger_url": f"postgresql://audit_writer:{WRITER}@{there}",
                "ledger_reader_url": f"postgresql://audit_reader:{READER}@{there}",
                "redis_url": store.url,
            }
        )  # fmt: skip
        made = Stage(folder, issuer, settings, stack, database, free_port(), free_port())
        pins = folder / "repository" / "servers" / "stock" / "tools.lock.json"
        made.process(
            "upstream", [PYTHON, "-m", "bench.upstream", str(made.upstream_port), str(pins)],
            made.upstream_port,
        )  # fmt: skip
        made.process("sink", [PYTHON, "-m", "bench.sink", str(made.sink_port)], made.sink_port)
        yield made


async def _ledger(admin: str, database: str) -> None:
    connection = await asyncpg.connect(admin)
    await connection.execute(f"CREATE DATABASE {database.rpartition('/')[2]}")
    await connection.close()
    await migrate(database, WRITER, READER)


def nginx(stage: Stage) -> Subject:
    """The practical floor: a plain proxy to the same upstream, of one worker."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise RuntimeError("nginx is not installed. On Debian and Ubuntu: apt-get install nginx.")
    port, home = free_port(), stage.folder / "nginx"
    home.mkdir()
    file = home / "nginx.conf"
    file.write_text(
        NGINX.format(home=home, port=port, upstream=stage.upstream_port), encoding="utf-8"
    )
    made = stage.process(
        "nginx", [found, "-p", str(home), "-c", str(file), "-e", str(home / "error.log")], port,
        subject=True,
    )  # fmt: skip
    return Subject("nginx", made, port, "/mcp", "read_shelf")


NGINX = """
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    upstream mcp {{
        server 127.0.0.1:{upstream};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://mcp;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


def sdk(stage: Stage) -> list[Subject]:
    """The SDK's own server with the same tool, called directly, as both eras call it."""
    port = free_port()
    made = stage.process(
        "sdk", [PYTHON, "-m", "bench.stock", "plain", str(port)], port, subject=True
    )
    return [
        Subject(f"SDK server, {era}", made, port, "/mcp", "read_shelf", era=era)
        for era in (asking.MODERN, asking.LEGACY)
    ]


def direct(stage: Stage) -> Subject:
    """The upstream itself."""
    return Subject("upstream", stage.parts["upstream"], stage.upstream_port, "/mcp", "read_shelf")
