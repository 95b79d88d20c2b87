"""A session of whoever reads the ledger. A policy that would hide rows from it is an error."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from mcp_gateway.audit.store import Connection

SETTINGS = {"row_security": "off", "jit": "off"}


@asynccontextmanager
async def session(url: str, **settings: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url, server_settings={**SETTINGS, **settings})
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def snapshot(url: str) -> AsyncIterator[Connection]:
    """Everything that is asked is of one moment."""
    async with (
        session(url) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection
