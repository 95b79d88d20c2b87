"""Writing to a ledger of a test's own, being cut off meanwhile, and looking at what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.audit.conftest import Place

from mcp_gateway.audit import keys
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.verify import verify
from mcp_gateway.audit.waiting import Entry

SESSION = "application_name LIKE 'ledger-%' AND datname = current_database()"
KILL = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {SESSION}"


async def sound(place: Place) -> bool:
    report = await verify(place.reader, keys.load_public(place.public))
    return [f for f in report.findings if f.kind != "OPEN-INTENT"] == []


async def kinds(place: Place) -> list[tuple[str, str | None]]:
    rows = await place.rows("SELECT kind, reason FROM audit.record ORDER BY seq")
    return [(row["kind"], row["reason"]) for row in rows]


async def many(ledger: Ledger, body: dict[str, Any], count: int, name: str = "r") -> list[Entry]:
    return list(
        await asyncio.gather(
            *(ledger.append("intent", body | {"rid": f"{name}-{i}"}) for i in range(count))
        )
    )


class Once:
    """A failpoint that acts the first time it is armed and passed."""

    def __init__(self, act: Callable[[], Awaitable[None]]) -> None:
        self.armed = False
        self.fired = 0
        self._act = act

    async def __call__(self) -> None:
        if self.armed:
            self.armed = False
            self.fired += 1
            await self._act()


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  what is awaited has no event
            await asyncio.sleep(0.02)
