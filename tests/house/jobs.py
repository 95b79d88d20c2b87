"""The house before a server with tasks, and what a client that knows them says to it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import httpx2
from house.asks import result_of
from house.house import House
from shared.taskbox import NAME, NAMES

from mcp_shared import serve

EXTENSION = "io.modelcontextprotocol/tasks"
KNOWS: dict[str, Any] = {"extensions": {EXTENSION: {}}, "elicitation": {}}
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
RATE = "6000/minute"


def policy(rate: str = RATE) -> str:
    """Every tool of the box for analysts, as tasks of an hour; JSON is YAML."""
    line = {"roles": ["analyst"], "kind": "write", "rate": rate, "task": "1h"}
    return json.dumps({"tools": dict.fromkeys(sorted(NAMES), line)})


async def lock(server: Any) -> dict[str, Any]:
    return await serve.definitions(server)


@dataclass
class Jobs:
    home: House
    endpoint: str = ""
    # the database of the server's tasks, for an administrator
    admin: str = ""

    async def ask(
        self, method: str, params: Mapping[str, Any], *, can: Any = KNOWS, **more: Any
    ) -> httpx2.Response:
        named = {"mcp-name": params["taskId"]} if "taskId" in params else {}
        more.setdefault("endpoint", self.endpoint)
        sent = {**params, "_meta": {CAPABILITIES: can}}
        return await self.home.post(method, sent, headers=named, **more)

    async def call(self, tool: str, arguments: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        endpoint = more.get("endpoint", self.endpoint)
        name = tool if endpoint else f"{NAME}_{tool}"
        params = {"name": name, "arguments": arguments}
        return result_of(await self.ask("tools/call", params, **more))

    async def task(self, tool: str, arguments: Mapping[str, Any], **more: Any) -> str:
        """The id of the task that this call became."""
        result = await self.call(tool, arguments, **more)
        assert result["resultType"] == "task", result
        return str(result["taskId"])

    async def get(self, task_id: str, **more: Any) -> dict[str, Any]:
        return result_of(await self.ask("tasks/get", {"taskId": task_id}, **more))

    async def cancel(self, task_id: str, **more: Any) -> httpx2.Response:
        return await self.ask("tasks/cancel", {"taskId": task_id}, **more)

    async def table(self, statement: str, *, until: object = None) -> None:
        """By an administrator; again and again, until it says so."""
        db = await asyncpg.connect(self.admin)
        try:
            found = await db.fetchval(statement)
            async with asyncio.timeout(10):
                while until is not None and found != until:
                    found = await db.fetchval(statement)
        finally:
            await db.close()

    def changes(self, tool: str, **changed: Any) -> None:
        """From now on the policy's line for this tool says otherwise."""
        now, key = self.home.gateway.policy, (NAME, "tool", tool)
        rules: dict[Any, Any] = dict(now.rules)
        rules[key] = replace(rules[key], **changed)
        self.home.gateway.policy = replace(now, rules=rules)

    async def until(self, task_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while (found := await self.get(task_id))["status"] not in states:  # noqa: ASYNC110  polled
                await asyncio.sleep(0.1)
        return found
