"""What stands before every tool: whose call it is and how long it takes, unknown names, and all
argument problems at once.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult
from opentelemetry import trace

from mcp_shared import logs, meta, telemetry
from mcp_shared.identity import known_caller
from mcp_shared.validation import Arguments, invalid_arguments

log = logging.getLogger(__name__)


class Door:
    """Checks every call before the SDK does: unknown tools, and all argument problems at once."""

    def __init__(self, tools: Mapping[str, Arguments]) -> None:
        self._tools = tools

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        call = (ctx.meta or {}).get(meta.CALL)
        token = logs.call_id.set(call if isinstance(call, str) else None)
        _name_on_span(call)
        try:
            if ctx.method == "tools/call":
                name = (ctx.params or {}).get("name")
                if not isinstance(name, str) or name not in self._tools:
                    raise MCPError(INVALID_PARAMS, "Unknown tool")
                arguments = (ctx.params or {}).get("arguments") or {}
                if problems := self._tools[name].problems(arguments):
                    log.info(
                        "arguments refused",
                        extra={"tool": name, "paths": [problem.path for problem in problems]},
                    )
                    return CallToolResult.model_validate(invalid_arguments(name, problems))
            return await call_next(ctx)
        finally:
            logs.call_id.reset(token)


def _name_on_span(call: object) -> None:
    """The person and the call, so that the server's span joins the gateway's record."""
    span = trace.get_current_span()
    if isinstance(call, str):
        span.set_attribute(telemetry.CALL, call)
    if (who := known_caller()) is not None:
        span.set_attribute(telemetry.PERSON, who.username)


class Durations:
    """The server's side of the histogram: the SDK makes the span and no metric."""

    def __init__(self, tools: frozenset[str]) -> None:
        self._tools = tools
        self._histogram = telemetry.operation_duration("server")

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        started = time.perf_counter()
        attributes: dict[str, Any] = {
            "mcp.method.name": ctx.method,
            "mcp.protocol.version": ctx.protocol_version,
        }
        if ctx.method == "tools/call":
            name = (ctx.params or {}).get("name")
            # an unknown name is the caller's text: it must not become a label
            attributes["gen_ai.tool.name"] = name if name in self._tools else "_OTHER"
        try:
            result = await call_next(ctx)
        except MCPError as error:
            attributes["error.type"] = str(error.error.code)
            raise
        except Exception as error:
            attributes["error.type"] = type(error).__qualname__
            raise
        else:
            if _is_tool_error(result):
                attributes["error.type"] = "tool_error"
            return result
        finally:
            self._histogram.record(time.perf_counter() - started, attributes)


def _is_tool_error(result: HandlerResult) -> bool:
    if isinstance(result, CallToolResult):
        return bool(result.is_error)
    return isinstance(result, Mapping) and result.get("isError") is True
