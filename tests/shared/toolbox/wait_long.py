"""A tool for tests that takes longer than its policy allows, and notices when it is cancelled."""

import asyncio
from typing import Annotated

from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

TITLE = "Wait long"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
BEGUN: list[float] = []
CANCELLED: list[float] = []


class Waited(BaseModel):
    seconds: float = Field(description="How long it waited.")


async def wait_long(
    seconds: Annotated[float, Field(ge=0, le=60, description="How long.")], ctx: Context
) -> Waited:
    """Wait, and say so on the way."""
    BEGUN.append(seconds)
    try:
        await ctx.report_progress(0.5, 1)
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        CANCELLED.append(seconds)
        raise
    return Waited(seconds=seconds)
