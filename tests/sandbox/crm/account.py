"""A CRM account for tests: a loaded database, the app on it in process, and a client with a token."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import httpx2

from mcp_local.postgres import Postgres
from sandbox_crm.app import create_app
from sandbox_crm.seed import load
from sandbox_crm.settings import Settings
from seed_warehouse.customers import Customer

TOKEN = "token-of-the-tests"
V = "2026-09"

CUSTOMERS = (
    Customer(1, "Customer#000000001", "MOROCCO", "AFRICA", "BUILDING", "25-989-741-2988", Decimal("711.56")),
    Customer(2, "Customer#000000002", "JORDAN", "MIDDLE EAST", "AUTOMOBILE", "23-768-687-3665", Decimal("121.65")),
    Customer(11, "Customer#000000011", "UNITED KINGDOM", "EUROPE", "BUILDING", "33-464-151-3439", Decimal("-272.60")),
)  # fmt: skip


@asynccontextmanager
async def new_database(server: Postgres, template: str = "template1") -> AsyncIterator[str]:
    """A database of a test's own, as a copy: quicker than making the tables each time."""
    name = f"t_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server.url())
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield server.url(name)
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


async def prepare(database: str, customers: Sequence[Customer] = CUSTOMERS) -> None:
    db = await asyncpg.connect(database)
    try:
        await load(db, database, customers)
    finally:
        await db.close()


@asynccontextmanager
async def opened(
    database: str, *, clock: Callable[[], float] | None = None, **settings: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    limits = {"search_per_second": 100_000, "ten_secondly": 100_000}
    app = create_app(
        Settings(database_url=database, token=TOKEN, **(limits | settings)),
        **({"clock": clock} if clock else {}),
    )
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://crm",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client
    await app.state.world.engine.dispose()


async def made(crm: httpx2.AsyncClient, kind: str, **properties: Any) -> str:
    answer = await crm.post(f"/crm/objects/{V}/{kind}", json={"properties": properties})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def searched(crm: httpx2.AsyncClient, kind: str, **document: Any) -> Any:
    answer = await crm.post(f"/crm/objects/{V}/{kind}/search", json=document)
    assert answer.status_code == 200, answer.text
    return answer.json()


def where(*filters: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"filters": list(filters)}]
