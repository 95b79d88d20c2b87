"""The ASGI server says when a replica begins and ends (ASGI lifespan protocol 2.0)."""

import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.types import Receive, Send

log = logging.getLogger(__name__)


async def lifespan(
    running: Callable[[], AbstractAsyncContextManager[None]], receive: Receive, send: Send
) -> None:
    """Open what the replica needs before it is asked anything, and close it when it is told to."""
    await receive()
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(running())
        except Exception as error:  # the operator reads this line
            log.exception("start failed")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
