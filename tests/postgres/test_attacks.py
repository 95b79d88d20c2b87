"""Every attack on the database alone, in the transaction the server would run it in."""

import asyncio
import time

import asyncpg
import pytest
from postgres.attacks import ATTACKS, Attack, state
from postgres.loaded import Loaded

DEADLINE = 1.5  # seconds, as statement_timeout


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.id)
async def test_the_database_alone_contains(
    warehouse: Loaded, admin: asyncpg.Connection, attack: Attack
) -> None:
    before = await state(admin)
    reader = await asyncpg.connect(warehouse.ro_url, statement_cache_size=0)
    notices: list[object] = []
    reader.add_log_listener(lambda _, message: notices.append(message))
    started = time.monotonic()
    rows: list[asyncpg.Record] = []
    try:
        transaction = reader.transaction(readonly=True)
        await transaction.start()
        await reader.execute(
            "SET LOCAL app.regions = 'EUROPE'; SET LOCAL lock_timeout = '200ms';"
            f" SET LOCAL statement_timeout = '{int(DEADLINE * 1000)}ms'"
        )
        try:
            async with asyncio.timeout(DEADLINE + 0.5):
                cursor = await reader.cursor(attack.sql)
                rows = await cursor.fetch(1001)
        except (asyncpg.PostgresError, TimeoutError):
            if attack.expect == "answered":
                raise
        await transaction.rollback()
        assert time.monotonic() - started < DEADLINE + 1
        for row in rows:
            assert {"AFRICA", "AMERICA", "ASIA", "MIDDLE EAST"}.isdisjoint(
                value for value in row.values() if isinstance(value, str)
            )
        assert await reader.fetchval("SELECT count(*) FROM sales.orders") == 0
        assert notices == []
    finally:
        reader.terminate()
    assert await state(admin) == before
