"""Where a round takes place: two gateways on one ledger, their surroundings, and who restarts them."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
import orjson
from bench import asking, stage
from bench.parts import PYTHON, await_answer, part
from faults import checker, proxy
from faults.clients import Clients, Door
from faults.cluster import Cluster
from house.house import READER, WRITER
from people import Issuer, running_issuer

from mcp_gateway.audit import keys as audit_keys
from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import keeper
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.audit.verify import verify
from mcp_local import valkey
from mcp_local.ports import free_port

REPLICAS = ("gateway-1", "gateway-2")
WITNESS = "checkpoints"
SERVING_SECONDS = 30.0
PATH = {"PYTHONPATH": str(Path(__file__).parents[1])}


@dataclass(frozen=True)
class Surroundings:
    """What rounds share: an issuer and a store."""

    folder: Path
    issuer: Issuer
    redis_url: str


@contextlib.contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    """In a new folder, which stays: what a round left there may be wanted."""
    folder.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        issuer = stack.enter_context(running_issuer(folder / "issuer", servers=("stock",)))
        store = stack.enter_context(valkey.running(folder / "valkey"))
        yield Surroundings(folder, issuer, store.url)


@dataclass
class Replica:
    """A gateway that is started again whenever it has ended."""

    name: str
    port: int
    command: tuple[str, ...]
    env: dict[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    async def keep(self) -> None:
        while True:
            if self.process is None or self.process.poll() is not None:
                self.starts += 1
                self.process = self._launched()
            await asyncio.sleep(0.05)

    def _launched(self) -> subprocess.Popen[bytes]:
        with (self.folder / f"{self.name}.log").open("ab") as log:
            return subprocess.Popen(
                self.command, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def end(self) -> None:
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    async def serves(self, within: float = SERVING_SECONDS) -> bool:
        """Whether it says within so many seconds that it takes calls."""
        deadline = time.monotonic() + within
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as http:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx2.TransportError):
                    answer = await http.get(f"http://127.0.0.1:{self.port}/readyz")
                    if answer.status_code == 200:
                        return True
                await asyncio.sleep(0.05)
        return False

    def arm(self, step: str, action: str, milliseconds: int = 0) -> None:
        made = self.folder / f".armed-{self.name}"
        made.write_text(f"{step} {action} {milliseconds}")
        made.rename(self.folder / f"armed-{self.name}")

    def disarm(self) -> None:
        (self.folder / f"armed-{self.name}").unlink(missing_ok=True)

    def passed(self) -> int:
        """How many failpoints it has run into."""
        try:
            return (self.folder / f"passed-{self.name}").read_text().count("\n")
        except FileNotFoundError:
            return 0


@dataclass
class Site:
    folder: Path
    cluster: Cluster
    proxy: proxy.Proxy
    replicas: tuple[Replica, ...]
    clients: Clients
    database: str
    key: Path
    journal: Path
    disk: Path | None = None

    @property
    def reader_url(self) -> str:
        return self.cluster.address.url(self.database, "audit_reader", READER)

    async def silent(self, within: float = SERVING_SECONDS) -> list[str]:
        """The names of those that do not serve."""
        found = await asyncio.gather(*(one.serves(within) for one in self.replicas))
        return [one.name for one, good in zip(self.replicas, found, strict=True) if not good]

    async def records(self) -> list[checker.Record]:
        connection = await asyncpg.connect(self.cluster.address.url(self.database))
        try:
            rows = await connection.fetch("SELECT seg::text, seq, body FROM audit.record")
        finally:
            await connection.close()
        return [
            checker.record(row["seg"], row["seq"], row["body"], orjson.loads(row["body"]))
            for row in rows
        ]

    def effects(self) -> list[int]:
        return [int(line) for line in self.journal.read_text().split()]

    async def judged(self) -> tuple[list[checker.Complaint], int]:
        """Every complaint about this round, and how many records there are."""
        trusted = audit_keys.load_public(self.key.with_name(audit_keys.PUBLIC_NAME))
        records = await self.records()
        found = checker.check(self.clients.journal, records, self.effects(), trusted)
        place = keeper.opened(str(self.folder / WITNESS))
        signers = checkpoint_key.verifiers(self.key.with_name(checkpoint_key.PUBLIC_NAME))
        seen = await asyncio.to_thread(checkpoint_check.read, place, signers)
        report = await verify(self.reader_url, trusted, witnessed=seen)
        for finding in report.findings:
            if finding.kind != "OPEN-INTENT":
                found.append(checker.Complaint(f"VERIFY-{finding.kind}", finding.what))
        still = checker.open_calls(records)
        listed = {one.rid for one in report.open}
        if len(still) < 100 and still != listed:
            found.append(checker.Complaint("OPEN-UNLISTED", f"{still ^ listed}"))
        return found, len(records)


@contextlib.asynccontextmanager
async def opened(
    around: Surroundings, cluster: Cluster, *, mutant: str = "", disk: Path | None = None
) -> AsyncIterator[Site]:
    """A ledger of this round's own, and two gateways that serve."""
    folder = around.folder / f"round-{secrets.token_hex(4)}"
    folder.mkdir()
    database = f"round_{secrets.token_hex(6)}"
    await cluster.sql(f"CREATE DATABASE {database}")
    await migrate(cluster.address.url(database), WRITER, READER)
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(proxy.running(cluster.address.port))
        through = f"postgresql://u:p@127.0.0.1:{wire.port}/{database}"
        office = await asyncio.to_thread(
            stage.furnished, folder / "repository", around.issuer, through, around.redis_url
        )
        checkpoint_key.create(office.settings.keys)
        port, journal = free_port(), folder / "effects"
        journal.touch()
        upstream = stack.enter_context(
            part(
                "upstream",
                [PYTHON, "-m", "faults.upstream", str(port), str(folder), str(journal)],
                folder,
                env=PATH,
            )
        )
        await asyncio.to_thread(await_answer, upstream, f"http://127.0.0.1:{port}/")
        replicas = tuple(_replica(name, office, port, folder, mutant) for name in REPLICAS)
        for one in replicas:
            stack.callback(one.end)
            stack.callback(asyncio.ensure_future(one.keep()).cancel)
        token = await asyncio.to_thread(around.issuer.token, "ana", "aud:mcp")
        clients = Clients([_door(one.port, token) for one in replicas])
        key = office.settings.keys / audit_keys.PRIVATE_NAME
        site = Site(folder, cluster, wire, replicas, clients, database, key, journal, disk)
        if silent := await site.silent():
            log = (folder / f"{silent[0]}.log").read_text()[-2000:]
            raise RuntimeError(f"{silent} did not start: {log}")
        yield site


def _door(port: int, token: str) -> Door:
    def request(tool: str) -> bytes:
        return asking.request("/mcp", f"127.0.0.1:{port}", tool, token=token)

    good = request("stock_read_shelf")
    more = b'"number":%b,"large":%d' % (asking.NUMBER.encode(), 2**70)
    head, _, body = good.partition(b"\r\n\r\n")
    wide = body.replace(b'"number":%b' % asking.NUMBER.encode(), more)
    head = head.replace(b"Content-Length: %d" % len(body), b"Content-Length: %d" % len(wide))
    return Door(port, good, request("stock_burn_shelf"), head + b"\r\n\r\n" + wide)


def _replica(name: str, office: stage.Office, upstream: int, folder: Path, mutant: str) -> Replica:
    port, made = free_port(), office.settings
    address = f"http://127.0.0.1:{upstream}/{office.name}/stock/mcp"
    env = {
        "GATEWAY_CONFIG": str(made.config),
        "GATEWAY_KEYS": str(made.keys),
        "GATEWAY_PORT": str(port),
        "GATEWAY_REPLICA": name,
        "GATEWAY_LEDGER_URL": str(made.ledger_url),
        "GATEWAY_LEDGER_READER_URL": str(made.ledger_reader_url),
        "GATEWAY_REDIS_URL": str(made.redis_url),
        "GATEWAY_UPSTREAMS": orjson.dumps({"stock": address}).decode(),
        **PATH,
        "GATEWAY_CHECKPOINTS": str(folder / WITNESS),
        "GATEWAY_CHECKPOINT_SECONDS": "0.2",
        "FAULTS_FOLDER": str(folder),
        "FAULTS_MUTANT": mutant,
    }
    return Replica(name, port, (PYTHON, "-m", "faults.launcher"), env, folder)
