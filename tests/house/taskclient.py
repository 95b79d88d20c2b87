"""A client that knows tasks, on the SDK's own client: it waits for what a call becomes.

It keeps the id and asks again, whatever becomes of the gateway and the server meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Literal

import httpx2
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Request, RequestParams, Result

AWAY = {-32603, -31503}


class Created(Result):
    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    ttl_ms: int | None
    poll_interval_ms: int | None = None


class Detailed(Result):
    result_type: Literal["complete"] = "complete"
    task_id: str
    status: str
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class GetParams(RequestParams):
    task_id: str


class Get(Request[GetParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: GetParams
    name_param: ClassVar[str | None] = "taskId"


class Waiting(ClientExtension):
    identifier = "io.modelcontextprotocol/tasks"

    def __init__(
        self, begun: Callable[[str], Awaitable[None]] | None = None, seconds: float = 60
    ) -> None:
        self._begun = begun
        self._seconds = seconds
        self.polls: list[str] = []
        # of a task that ended without a result
        self.error: dict[str, Any] | None = None

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Created, resolve=self._end)]

    async def _end(self, made: Created, context: ClaimContext) -> CallToolResult:
        if self._begun is not None:
            await self._begun(made.task_id)
        async with asyncio.timeout(self._seconds):
            while True:
                found = await self._look(made.task_id, context)
                if found is not None and found.status not in {"working", "input_required"}:
                    break
                await asyncio.sleep((made.poll_interval_ms or 500) / 1000)
        if found.result is None:
            self.error = found.error
            return CallToolResult(content=[], is_error=True)
        return CallToolResult.model_validate(found.result)

    async def _look(self, task_id: str, context: ClaimContext) -> Detailed | None:
        try:
            found = await context.session.send_request(
                Get(params=GetParams(task_id=task_id)), Detailed, request_read_timeout_seconds=5
            )
        except MCPError as error:
            if error.error.code not in AWAY:
                raise
            return None
        except httpx2.HTTPError:
            return None
        self.polls.append(found.status)
        return found
