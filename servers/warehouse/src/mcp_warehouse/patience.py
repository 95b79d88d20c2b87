"""A question that takes long says so on the way, to whoever asked to be told."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.mcpserver import Context

from mcp_shared.meanwhile import meanwhile

SECONDS = 1.0  # between two words; what is quicker than one is answered without a stream


@asynccontextmanager
async def telling(ctx: Context[Any, Any]) -> AsyncIterator[None]:
    """Report the seconds that have passed until the block is left. No total: nobody knows it."""
    async with meanwhile(_tell(ctx)):
        yield


async def _tell(ctx: Context[Any, Any]) -> None:
    started = time.monotonic()
    while True:
        await asyncio.sleep(SECONDS)
        passed = round(time.monotonic() - started, 1)
        await ctx.report_progress(passed, message=f"The query is running, {passed:.0f} s so far.")
