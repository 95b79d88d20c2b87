"""A CRM with people in front of it: the real sandbox on a socket, the server in process."""

import asyncio
import functools
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2
import uvicorn
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import SecretStr
from sandbox.crm.account import TOKEN, V
from servers.crm.wire import Wire, wire_to

from mcp_crm.hubspot.breaker import Breaker
from mcp_crm.server import build
from mcp_crm.settings import Settings
from mcp_shared import identity
from mcp_shared.identity import Caller
from sandbox_crm.app import create_app
from sandbox_crm.settings import Settings as SandboxSettings

BEN = Caller(
    "sub-ben", "ben", "Ben Okafor", frozenset({"sales"}), frozenset({"region-europe"}), "t"
)
HARU = Caller(  # sells in another team
    "sub-haru", "haru", "Haru Nakagawa", frozenset({"sales"}), frozenset({"region-asia"}), "t"
)
ANA = Caller(
    "sub-ana", "ana", "Ana Ferreira", frozenset({"analyst"}), frozenset({"region-all"}), "t"
)
CHO = Caller(
    "sub-cho", "cho", "Cho Min-ji", frozenset({"support"}), frozenset({"region-asia"}), "t"
)


@functools.cache
def server() -> MCPServer[Any]:
    """Built once: its lifespan, and with it the settings, is new for every client."""
    return build()


@dataclass
class Office:
    database: str
    wire: Wire
    settings: Settings
    crm: httpx2.AsyncClient  # straight to the sandbox, past the wire

    async def call(self, tool: str, who: Caller = BEN, **arguments: Any) -> CallToolResult:
        [result] = await self.calls((tool, arguments), who=who)
        return result

    async def calls(
        self, *calls: tuple[str, dict[str, Any]], who: Caller = BEN
    ) -> list[CallToolResult]:
        """Calls of one person, all at once, on a server of their own."""
        identity.become(who)
        self.environment()
        async with Client(server(), mode="2026-07-28") as client:
            return list(await asyncio.gather(*(client.call_tool(t, a) for t, a in calls)))

    @asynccontextmanager
    async def desk_with(self, breaker: Breaker) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
        """Ben's calls on one server that keeps this breaker."""
        identity.become(BEN)
        self.environment()
        async with Client(build(breaker), mode="2026-07-28") as client:

            async def call(tool: str, **arguments: Any) -> CallToolResult:
                return await client.call_tool(tool, arguments)

            yield call

    def environment(self) -> None:
        """The settings where the server looks for them when it starts."""
        for name, value in self.settings.model_dump().items():
            shown = value.get_secret_value() if isinstance(value, SecretStr) else value
            os.environ[f"CRM_{name.upper()}"] = str(shown)

    async def notes(self, text: str) -> list[dict[str, Any]]:
        """Every note that contains the text, from the records and not from the index."""
        db = await asyncpg.connect(self.database)
        rows = await db.fetch(
            "SELECT id FROM crm.object WHERE type = 'notes' AND properties ->> 'hs_note_body' LIKE $1",
            f"%{text}%",
        )
        await db.close()
        found = []
        for row in rows:
            url = f"/crm/objects/{V}/notes/{row['id']}"
            asked = {
                "properties": "hs_note_body,hubspot_owner_id",
                "associations": "companies,deals",
            }
            found.append((await self.crm.get(url, params=asked)).json())
        return found

    async def deal(self, stage: str = "appointmentscheduled", account: str = "11") -> str:
        """A new deal of an account."""
        url = f"/crm/objects/{V}/companies/{account}?idProperty=account_number"
        found = (await self.crm.get(f"{url}&properties=hubspot_owner_id")).json()
        company, owner = found["id"], found["properties"]["hubspot_owner_id"]
        document = {
            "properties": {
                "dealname": "Test valves",
                "dealstage": stage,
                "amount": "1000",
                "hubspot_owner_id": owner,
            },
            "associations": [
                {
                    "to": {"id": company},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}],
                }
            ],
        }
        made = await self.crm.post(f"/crm/objects/{V}/deals", json=document)
        return str(made.json()["id"])

    async def stage(self, deal: str) -> str:
        read = await self.crm.get(f"/crm/objects/{V}/deals/{deal}")
        return str(read.json()["properties"]["dealstage"])


def text(result: CallToolResult) -> str:
    return "".join(getattr(block, "text", "") for block in result.content)


def refused(result: CallToolResult, code: str) -> str:
    """The text of a refusal that has this code."""
    assert result.is_error, result
    assert (result.meta or {}).get("dev.mcp-in-production/fault") == {"code": code}, text(result)
    return text(result)


def given(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, text(result)
    assert result.structured_content is not None
    return dict(result.structured_content)


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """The app on a real socket; its port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    web = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    task = asyncio.create_task(web.serve(sockets=[listening]))
    while not web.started:  # noqa: ASYNC110  uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        web.should_exit = True
        await task
        listening.close()


@asynccontextmanager
async def open_office(
    database: str, *, deadline_seconds: float = 5.0, **sandbox: Any
) -> AsyncIterator[Office]:
    limits = {"search_per_second": 10_000, "ten_secondly": 10_000}
    app = create_app(SandboxSettings(database_url=database, token=TOKEN, **(limits | sandbox)))
    async with served(app) as port, wire_to(port) as wire:
        settings = Settings(
            base_url=wire.url,
            token=TOKEN,
            database_url=database,
            deadline_seconds=deadline_seconds,
        )
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}
        ) as crm:
            kept = dict(os.environ)
            try:
                yield Office(database, wire, settings, crm)
            finally:
                os.environ.clear()
                os.environ.update(kept)
