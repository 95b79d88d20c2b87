"""The ledger as the console reads it: as `audit_reader`, a few connections, bounded statements.

Database away or too slow: `LedgerAwayError`, and the page says so. Nothing here can write.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from mcp_gateway.audit.reader import SETTINGS

STATEMENT_SECONDS = 5
CONNECT_SECONDS = 3
POOL = 3  # people who look are few, and the gateway's own writes come first
FAULTS = (
    SQLAlchemyError,
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
QUERY_CANCELED = "57014"


class LedgerAwayError(Exception):
    """The ledger cannot be read now; `slow` when it answers, but not within its time."""

    def __init__(self, *, slow: bool = False) -> None:
        super().__init__("slow" if slow else "away")
        self.slow = slow


class Reader:
    def __init__(self, url: str) -> None:
        async def connect() -> "asyncpg.Connection[asyncpg.Record]":
            return await asyncpg.connect(
                url,
                timeout=CONNECT_SECONDS,
                command_timeout=STATEMENT_SECONDS + 1,  # should the server not keep its own
                server_settings={
                    "application_name": "mcp-console",
                    "statement_timeout": f"{STATEMENT_SECONDS}s",
                    "idle_in_transaction_session_timeout": "10s",
                    "default_transaction_read_only": "on",
                    **SETTINGS,
                },
            )

        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            # the driver reads the URL itself: SQLAlchemy would refuse sslmode in it
            async_creator=connect,
            pool_size=POOL,
            max_overflow=POOL,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
            pool_recycle=900,
        )

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view for every query of a page."""
        try:
            async with self._engine.connect() as connection:
                await connection.execute(
                    text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                )
                yield connection
        except FAULTS as fault:
            raise LedgerAwayError(slow=_timed_out(fault)) from fault

    async def aclose(self) -> None:
        await self._engine.dispose()


def _timed_out(fault: BaseException) -> bool:
    if isinstance(fault, DBAPIError):
        return getattr(fault.orig, "sqlstate", None) == QUERY_CANCELED
    return False
