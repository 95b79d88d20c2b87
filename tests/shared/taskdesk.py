"""A server with tasks of its own, in process, before a real Postgres; and what a client says to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2
from asgi import client_of, started
from shared.taskbox import jobs
from tokens import ISSUER, a_token, key_set, signing_key

from mcp_shared import identity
from mcp_shared.serve import asgi
from mcp_shared.settings import ServerSettings
from mcp_shared.tasks.migrate import migrate
from mcp_shared.tokens import KeySource

RESOURCE = "http://jobs.internal/mcp"
GATEWAY = "http://localhost:8080/mcp"
MODERN = "2026-07-28"
EXTENSION = "io.modelcontextprotocol/tasks"
KNOWS: dict[str, Any] = {"extensions": {EXTENSION: {}}, "elicitation": {}}
LOGIN = "tasks_test"


async def prepared(database: str) -> str:
    """The URL of the server's own login, in a database that has the table."""
    login = f"postgresql://{LOGIN}:secret@{database.partition('@')[2]}"
    await migrate(database, login)
    return login


@dataclass
class Desk:
    """One process that serves `jobs`."""

    http: httpx2.AsyncClient
    admin: str

    async def ask(
        self, method: str, params: Mapping[str, Any], *, can: Any = KNOWS, **claims: Any
    ) -> Any:
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": can,
        }
        named = params.get("name", params.get("taskId"))
        headers = {
            "authorization": f"Bearer {a_token(**{'aud': RESOURCE, 'azp': GATEWAY, **claims})}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": MODERN,
            "mcp-method": method,
            **({"mcp-name": named} if named else {}),
        }
        document = {
            "jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta},
        }  # fmt: skip
        answer = await self.http.post("/mcp", json=document, headers=headers)
        return answer.json()

    async def call(self, tool: str, arguments: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        document = await self.ask("tools/call", {"name": tool, "arguments": arguments}, **more)
        assert "result" in document, document
        found: dict[str, Any] = document["result"]
        return found

    async def task(self, tool: str, arguments: Mapping[str, Any], **more: Any) -> str:
        """The id of the task that this call became."""
        result = await self.call(tool, arguments, **more)
        assert result["resultType"] == "task", result
        return str(result["taskId"])

    async def get(self, task_id: str, **more: Any) -> dict[str, Any]:
        document = await self.ask("tasks/get", {"taskId": task_id}, **more)
        assert "result" in document, document
        found: dict[str, Any] = document["result"]
        return found

    async def until(self, task_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while (found := await self.get(task_id))["status"] not in states:  # noqa: ASYNC110  polled
                await asyncio.sleep(0.05)
        return found

    async def sql(self, statement: str, *values: Any) -> Any:
        """By an administrator: what no server may do."""
        db = await asyncpg.connect(self.admin)
        try:
            return await db.fetchval(statement, *values)
        finally:
            await db.close()


@contextlib.asynccontextmanager
async def desk(admin: str) -> AsyncIterator[Desk]:
    """The login is in JOBS_TASKS_DATABASE_URL, as for any server."""
    settings = ServerSettings(
        resource=RESOURCE, issuer=ISSUER, jwks_url="http://unused.invalid",
        callers=frozenset({GATEWAY, GATEWAY.replace("/mcp", "/servers/jobs/mcp")}),
    )  # fmt: skip
    app: Any = asgi(jobs(), settings)
    assert isinstance(app, identity.TokenCheck)
    app.keys = KeySource(key_set(signing_key))
    async with started(app.app), client_of(app, "http://jobs") as http:
        yield Desk(http, admin)
