"""A gateway on a socket before the everything server, and the token proxy before the gateway."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from conformance import everything, suite
from conformance.proxy import TokenProxy
from conformance.switches import Switches
from house.backends import Counted, counted_server, listening
from house.house import GATEWAY, House, house
from people import Issuer, running_issuer

from mcp_local.ports import free_port
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey

RATE = "100000/minute"


@pytest.fixture(scope="session")
def issuer(run_folder: Path) -> Iterator[Issuer]:
    with running_issuer(run_folder / "conformance", servers=(everything.NAME,)) as running:
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
    proxy_port = free_port()
    origins = [f"http://{host}:{proxy_port}" for host in ("localhost", "127.0.0.1")]
    name = everything.NAME
    extra = f"allowed_origins: {json.dumps(origins)}\nlimits: {{person_rate: {RATE}}}\n"
    async with contextlib.AsyncExitStack() as stack:
        connection = await asyncpg.connect(postgres_server.url())
        await connection.execute("CREATE DATABASE conformance")
        await connection.close()
        server = await stack.enter_async_context(
            counted_server(issuer, everything.server(offered), name)
        )
        folder = tmp_path_factory.mktemp("conformance") / "house"
        home: House = await stack.enter_async_context(
            house(
                folder, issuer, postgres_server.url("conformance"), valkey_server.url, server,
                policies={name: policy(offered)}, extra=extra,
                locks={name: everything.lock(offered)},
            )
        )  # fmt: skip
        switches.watch(home.gateway)
        made = Stage(f"http://127.0.0.1:{proxy_port}/servers/{name}/mcp", server)
        port = await stack.enter_async_context(listening(home.gateway))
        proxy = TokenProxy(
            f"http://127.0.0.1:{port}",
            GATEWAY.removeprefix("http://"),
            lambda: home.token(made.person, name),
        )
        await stack.enter_async_context(proxy.open(proxy_port))
        await stack.enter_async_context(listening(proxy, proxy_port))
        yield made
