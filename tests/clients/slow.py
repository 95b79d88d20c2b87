"""A table of the warehouse that takes its time: what reads it can be seen under way, and gone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from mcp_local.fill import with_database
from mcp_local.load import Stack

# longer than any deadline: of the statement, of the server, of the policy
SLOW = """
CREATE FUNCTION sales.slow() RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER
    AS 'SELECT pg_sleep(60) IS NOT NULL';
GRANT EXECUTE ON FUNCTION sales.slow() TO wh_ro;
CREATE POLICY slow ON sales.accounts AS RESTRICTIVE TO wh_ro USING (sales.slow());
"""
QUICK = "DROP POLICY slow ON sales.accounts; DROP FUNCTION sales.slow();"
UNDER_WAY = """
SELECT count(*) FROM pg_stat_activity
WHERE usename = 'wh_ro' AND state = 'active' AND wait_event = 'PgSleep'
"""
ASKED: dict[str, Any] = {"sql": "SELECT account_name FROM sales.accounts"}
BEGIN_SECONDS = 30


@dataclass
class SlowTable:
    connection: "asyncpg.Connection[asyncpg.Record]"

    async def queries(self) -> int:
        """How many are under way in the database, by its own word."""
        return int(await self.connection.fetchval(UNDER_WAY))

    async def begun(self) -> None:
        assert await self._until(1, BEGIN_SECONDS), "no query reached the database"

    async def gone(self, within: float) -> bool:
        return await self._until(0, within)

    async def _until(self, count: int, within: float) -> bool:
        deadline = time.monotonic() + within
        while await self.queries() != count:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True


@asynccontextmanager
async def slow_table(stack: Stack) -> AsyncIterator[SlowTable]:
    url = with_database(stack.filler().postgres, "warehouse")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SLOW)
        try:
            yield SlowTable(connection)
        finally:
            await connection.execute(QUICK)
    finally:
        await connection.close()
