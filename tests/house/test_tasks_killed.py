"""A real client, a call that becomes a task, and kill -9 of the server or the gateway meanwhile."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest_asyncio
from attacks import process
from house import jobs
from house.house import GATEWAY, ledger_database
from house.taskclient import Waiting
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from people import Issuer
from shared import taskbox
from shared.taskdesk import prepared

from mcp_local.ports import free_port
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey

NAME = "numbers"  # a name that the issuer of the house knows
SERVER = """
from mcp_shared.tasks import table
table.LEASE_SECONDS = 4.0  # renewed every three
from mcp_shared import logs
from mcp_shared.serve import _http
from mcp_shared.settings import ServerSettings
from shared.taskbox import jobs
logs.setup("jobs")
_http(jobs("numbers"), ServerSettings())
"""


@dataclass
class Place:
    """A server with tasks and a gateway before it, each a process of its own that can be killed."""

    folder: Path
    issuer: Issuer
    tasks: str
    ledger: str
    port: int
    gateway: process.Running | None = None
    server: asyncio.subprocess.Process | None = None

    async def serve(self) -> None:
        """Start the server, at the address where it was."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MCP_")}
        variables = {
            **kept,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "MCP_PORT": str(self.port),
            "MCP_RESOURCE": f"http://{NAME}.internal/mcp",
            "MCP_ISSUER": self.issuer.url,
            "MCP_JWKS_URL": self.issuer.jwks_url,
            "MCP_CALLERS": f"{GATEWAY}/mcp,{GATEWAY}/servers/{NAME}/mcp",
            "NUMBERS_TASKS_DATABASE_URL": self.tasks,
        }
        with (self.folder / "server.log").open("ab") as out:
            self.server = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SERVER, env=variables, stdout=out, stderr=out
            )
        await self.answers(self.port)

    async def answers(self, port: int) -> None:
        async with asyncio.timeout(30), httpx2.AsyncClient() as http:
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    if (await http.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def kill_server(self) -> None:
        assert self.server is not None
        self.server.kill()
        await self.server.wait()

    async def kill_gateway_and_start_another(self) -> None:
        """With the same keys and ledger, as another replica would have, at the same address."""
        assert self.gateway is not None
        self.gateway.process.kill()
        await self.gateway.process.wait()
        settings = self.gateway.settings
        named = {
            "redis_url": settings.redis_url, "ledger_url": settings.ledger_url,
            "ledger_reader_url": settings.ledger_reader_url, "upstreams": settings.upstreams,
            "port": settings.port,
        }  # fmt: skip
        arguments = ("forgetful", "{}")
        self.gateway.process = await process._begun(
            settings, named, arguments, self.gateway.log.with_suffix(".second"), {}
        )
        await self.answers(settings.port)

    async def call(self, tool: str, arguments: dict[str, Any], waiting: Waiting) -> Any:
        assert self.gateway is not None
        headers = {"authorization": f"Bearer {self.gateway.token}"}
        async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
            url = f"http://127.0.0.1:{self.gateway.port}/mcp"
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, mode="2026-07-28", extensions=[waiting]) as client:
                return await client.call_tool(f"{NAME}_{tool}", arguments)

    async def records(self, **wanted: str) -> list[dict[str, Any]]:
        db = await asyncpg.connect(self.ledger)
        try:
            rows = await db.fetch("SELECT body FROM audit.record ORDER BY ts, seg, seq")
        finally:
            await db.close()
        bodies = [json.loads(row["body"]) for row in rows]
        return [one for one in bodies if all(one.get(key) == it for key, it in wanted.items())]

    async def attempts(self) -> int:
        db = await asyncpg.connect(self.tasks)
        try:
            found: int = await db.fetchval("SELECT attempt FROM tasks.task")
        finally:
            await db.close()
        return found


@pytest_asyncio.fixture
async def place(
    tmp_path: Path,
    issuer: Issuer,
    database: str,
    postgres_server: Postgres,
    ledger_template: str,
    valkey_server: Valkey,
) -> AsyncIterator[Place]:
    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(
            ledger_database(postgres_server.url(), ledger_template)
        )
        made = Place(tmp_path, issuer, await prepared(database), ledger, free_port())
        await made.serve()
        unused: Any = None
        rights = {NAME: jobs.policy()}
        made.gateway = await stack.enter_async_context(
            process.gateway_process(
                tmp_path / "gateway", issuer, ledger, valkey_server.url, unused, durable=False,
                address=f"http://127.0.0.1:{made.port}/mcp", policies=rights,
                locks={NAME: await jobs.lock(taskbox.jobs(NAME))},
            )
        )  # fmt: skip
        yield made
        for one in (made.server, made.gateway.process):
            if one is not None and one.returncode is None:
                one.kill()
                await one.wait()


async def test_a_real_client_waits_for_what_its_call_became(place: Place) -> None:
    waiting = Waiting()
    result = await place.call("slow_compute", {"seconds": 1, "label": "x"}, waiting)
    assert result.content[0].text == "computed x"
    assert waiting.polls[-1] == "completed"
    assert len(await place.records(method="tasks/get", status="ok")) == 1


async def test_the_server_killed_meanwhile_works_on_it_again(place: Place) -> None:
    async def kill(_: str) -> None:
        await place.kill_server()
        await place.serve()

    result = await place.call("slow_compute", {"seconds": 1, "label": "x"}, Waiting(kill))
    assert result.content[0].text == "computed x"
    assert await place.attempts() == 2
    assert len(await place.records(method="tasks/get", status="ok")) == 1


async def test_the_server_killed_meanwhile_does_not_repeat_what_must_not_be(place: Place) -> None:
    async def kill(_: str) -> None:
        await place.kill_server()
        await place.serve()

    waiting = Waiting(kill)
    await place.call("slow_change", {"seconds": 1}, waiting)
    assert waiting.polls[-1] == "failed"
    assert "unknown" in str(waiting.error)
    assert await place.attempts() == 1
    # nobody knows whether it acted, and so says the record
    (end,) = await place.records(method="tasks/get", status="unknown")
    assert end["reason"] == "worker_lost"


async def test_the_gateway_killed_meanwhile_loses_nothing(place: Place) -> None:
    async def kill(_: str) -> None:
        await place.kill_gateway_and_start_another()

    result = await place.call("slow_compute", {"seconds": 2, "label": "x"}, Waiting(kill))
    assert result.content[0].text == "computed x"
    assert await place.attempts() == 1
    assert len(await place.records(method="tasks/get", status="ok")) == 1


async def test_both_killed_meanwhile_lose_nothing(place: Place) -> None:
    async def kill(_: str) -> None:
        await place.kill_server()
        await place.kill_gateway_and_start_another()
        await place.serve()

    result = await place.call("slow_compute", {"seconds": 1, "label": "x"}, Waiting(kill))
    assert result.content[0].text == "computed x"


async def test_a_server_told_to_stop_leaves_its_task_to_the_next(place: Place) -> None:
    async def stop(_: str) -> None:
        assert place.server is not None
        place.server.terminate()
        async with asyncio.timeout(20):
            await place.server.wait()
        await place.serve()

    result = await place.call("slow_compute", {"seconds": 6, "label": "x"}, Waiting(stop))
    assert result.content[0].text == "computed x"
    assert await place.attempts() == 1  # being told to stop is no failed attempt
