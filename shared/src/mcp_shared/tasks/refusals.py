"""What is said when there is no such task, no room for one more, or nowhere to look."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult, TextContent

from mcp_shared import meta
from mcp_shared.postgres import FAULTS
from mcp_shared.tasks.table import STATEMENT_SECONDS
from mcp_shared.tasks.wire import REASON

log = logging.getLogger(__name__)

Found = TypeVar("Found")


def unknown() -> MCPError:
    """Never there, or another's: the two read the same."""
    return MCPError(INVALID_PARAMS, "Unknown task")


def expired() -> MCPError:
    return MCPError(
        INVALID_PARAMS,
        "This task has expired; what it found is gone. Call the tool again.",
        data={REASON: {"reason": "expired"}},
    )


async def available(asked: Awaitable[Found]) -> Found:
    """What the table says, if it does within a few seconds.

    Raises:
        MCPError: it says nothing at the moment.

    """
    try:
        async with asyncio.timeout(STATEMENT_SECONDS):
            return await asked
    except FAULTS as error:
        log.warning("tasks unreachable", extra={"error": type(error).__name__})
        raise MCPError(INTERNAL_ERROR, "Tasks cannot be read at the moment.") from None


def too_many() -> CallToolResult:
    return _told(
        "too_many_tasks",
        "You have too many tasks under way or kept. Wait until some are over, or cancel some, and "
        "call again.",
    )


def not_kept() -> CallToolResult:
    return _told(
        "unavailable",
        "This takes longer, and cannot be kept as a task at the moment. It was stopped; try again "
        "in a minute.",
    )


def too_long(seconds: float) -> CallToolResult:
    return _told(
        "too_long", f"It was stopped after {seconds:g} s. Ask for less: a narrower question."
    )


def _told(code: str, text: str) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        is_error=True,
        _meta={meta.FAULT: {"code": code}},
    )
