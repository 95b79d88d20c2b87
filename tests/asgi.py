"""Hold a context open in a task of its own: fixtures are torn down in another task."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2


@asynccontextmanager
async def held(context: AbstractAsyncContextManager[Any]) -> AsyncIterator[None]:
    ready, over = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        try:
            async with context:
                ready.set()
                await over.wait()
        finally:
            ready.set()

    task = asyncio.create_task(run())
    await ready.wait()
    if task.done():
        await task
    try:
        yield
    finally:
        over.set()
        await task


def started(app: Any) -> AbstractAsyncContextManager[None]:
    """An ASGI app's lifespan, held open."""
    return held(app.router.lifespan_context(app))


def client_of(app: Any, base_url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=base_url)
