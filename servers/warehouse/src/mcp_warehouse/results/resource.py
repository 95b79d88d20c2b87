"""Kept results as MCP resources: `warehouse://results/{id}/{number}.csv`, and `.parquet`."""

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from mcp_shared.faults import Denied, Unavailable
from mcp_shared.identity import caller
from mcp_warehouse.access import callers_regions, open_desk

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
NO_RESULT = (
    "There is no such result, or it is no longer kept. Run the query again for a new address."
)
MOST_PARTS = 10_000


def address(identity: str, number: int, kind: str) -> str:
    return f"warehouse://results/{identity}/{number}.{kind}"


def add_to(server: MCPServer[Any]) -> None:
    @server.resource(
        "warehouse://results/{identity}/{number}.csv",
        name="result_csv",
        title="Result as CSV",
        description="A kept result of run_sql, for the person who made it. UTF-8, with a header.",
        mime_type=CSV,
    )
    async def as_csv(identity: str, number: str, ctx: Context[Any, Any]) -> str:
        return (await _found(ctx, identity, number, "csv")).decode()

    @server.resource(
        "warehouse://results/{identity}/{number}.parquet",
        name="result_parquet",
        title="Result as Parquet",
        description="A kept result of run_sql, for the person who made it.",
        mime_type=PARQUET,
    )
    async def as_parquet(identity: str, number: str, ctx: Context[Any, Any]) -> bytes:
        return await _found(ctx, identity, number, "parquet")

    server.middleware.append(_one_answer_for_what_is_not_there)


async def _found(ctx: Context[Any, Any], identity: str, number: str, kind: str) -> bytes:
    results = open_desk(ctx).results
    at = int(number) if number.isascii() and number.isdigit() and len(number) <= 5 else 0
    if results is None or not 0 < at <= MOST_PARTS:
        raise MCPError(INVALID_PARAMS, NO_RESULT)
    try:
        content = await results.read(caller().subject, callers_regions(), identity, at, kind)
    except Denied:  # of no region any more
        content = None
    except Unavailable as fault:
        raise MCPError(INTERNAL_ERROR, str(fault)) from fault
    if content is None:
        raise MCPError(INVALID_PARAMS, NO_RESULT)
    return content


async def _one_answer_for_what_is_not_there(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Another's, expired, malformed: no difference, and the address is not repeated."""
    if ctx.method != "resources/read":
        return await call_next(ctx)
    try:
        return await call_next(ctx)
    except MCPError as error:
        if error.error.code == INVALID_PARAMS:
            raise MCPError(INVALID_PARAMS, NO_RESULT) from error
        raise
