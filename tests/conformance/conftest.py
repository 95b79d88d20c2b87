"""A gateway on a socket before the everything server, and the token proxy before the gateway."""

import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from conformance import everything, suite
from conformance.proxy import TokenProxy
from conformance.switches import Switches
from house import jobs
from house.backends import Counted, counted_server, listening
from house.house import GATEWAY, House, house
from people import Issuer, running_issuer
from shared import taskbox
from shared.taskdesk import prepared

from mcp_local.ports import free_port
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey

RATE = "100000/minute"


@pytest.fixture(scope="session")
def issuer(run_folder: Path) -> Iterator[Issuer]:
    servers = (everything.NAME, taskbox.NAME)
    with running_issuer(run_folder / "conformance", servers=servers) as running:
        yield running


@pytest.fixture(scope="session")
def official() -> suite.Suite:
    return suite.installed()


def policy(offered: dict[str, everything.Offered]) -> str:
    line = {"roles": ["analyst"], "rate": RATE}
    document = {
        "tools": dict.fromkeys(offered, line),
        "prompts": dict.fromkeys(everything.PROMPTS, line),
        "resources": {f"{everything.NAME}://*": line},
    }
    return json.dumps(document)  # JSON is YAML


@dataclass
class Stage:
    """Where the suite plays: an endpoint, who is signed in before it, and the server behind."""

    url: str
    server: Counted
    person: str = "ana"

    @property
    def used(self) -> set[str]:
        """Names of tools and prompts that the server itself was asked for."""
        return {
            message["params"]["name"]
            for method in ("tools/call", "prompts/get")
            for message in self.server.of(method)
        }


@pytest_asyncio.fixture(scope="session")
async def stage(
    tmp_path_factory: pytest.TempPathFactory,
    issuer: Issuer,
    postgres_server: Postgres,
    valkey_server: Valkey,
) -> AsyncIterator[Stage]:
    """The everything server's endpoint, by way of proxy and gateway."""
    switches = Switches()
    offered = everything.tools(switches.change_tools, switches.change_prompts)
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(a_database(postgres_server))
        server = await stack.enter_async_context(
            counted_server(issuer, everything.server(offered), everything.NAME)
        )
        folder = tmp_path_factory.mktemp("conformance") / "house"
        made, home = await stack.enter_async_context(
            staged(folder, issuer, database, valkey_server.url, server, policy(offered),
                   everything.lock(offered))
        )  # fmt: skip
        switches.watch(home.gateway)
        yield made


@pytest_asyncio.fixture(scope="session")
async def jobs_stage(
    tmp_path_factory: pytest.TempPathFactory,
    issuer: Issuer,
    postgres_server: Postgres,
    valkey_server: Valkey,
) -> AsyncIterator[Stage]:
    """A server with tasks, in its own house, by way of proxy and gateway."""
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(a_database(postgres_server))
        kept = await stack.enter_async_context(a_database(postgres_server))
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        monkeypatch.setenv("JOBS_TASKS_DATABASE_URL", await prepared(kept))
        monkeypatch.setenv("JOBS_TASKS_UNFINISHED", "50")
        offered = taskbox.jobs()
        server = await stack.enter_async_context(counted_server(issuer, offered, taskbox.NAME))
        folder = tmp_path_factory.mktemp("conformance") / "jobs"
        made, _ = await stack.enter_async_context(
            staged(folder, issuer, database, valkey_server.url, server, jobs.policy(RATE),
                   await jobs.lock(taskbox.jobs()))
        )  # fmt: skip
        yield made


@contextlib.asynccontextmanager
async def a_database(server: Postgres) -> AsyncIterator[str]:
    name = f"conformance_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(server.url())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    yield server.url(name)


@contextlib.asynccontextmanager
async def staged(
    folder: Path,
    issuer: Issuer,
    database: str,
    redis_url: str,
    server: Counted,
    rights: str,
    pinned: dict[str, Any],
) -> AsyncIterator[tuple[Stage, House]]:
    """A gateway on a socket before this server, and the proxy before the gateway."""
    proxy_port = free_port()
    origins = [f"http://{host}:{proxy_port}" for host in ("localhost", "127.0.0.1")]
    extra = f"allowed_origins: {json.dumps(origins)}\nlimits: {{person_rate: {RATE}}}\n"
    name = server.name
    async with contextlib.AsyncExitStack() as stack:
        home = await stack.enter_async_context(
            house(
                folder, issuer, database, redis_url, server,
                policies={name: rights}, extra=extra, locks={name: pinned},
            )
        )  # fmt: skip
        made = Stage(f"http://127.0.0.1:{proxy_port}/servers/{name}/mcp", server)
        port = await stack.enter_async_context(listening(home.gateway))
        proxy = TokenProxy(
            f"http://127.0.0.1:{port}",
            GATEWAY.removeprefix("http://"),
            lambda: home.token(made.person, name),
        )
        await stack.enter_async_context(proxy.open(proxy_port))
        await stack.enter_async_context(listening(proxy, proxy_port))
        yield made, home
