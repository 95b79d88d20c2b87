"""A migrated ledger of each test's own, and the writer, reader and superuser who meet in it."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from mcp_gateway.audit import keys
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.migrate import migrate
from mcp_local import postgres

WRITER, READER = "writer-secret", "reader-secret"


def as_role(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port}"))


@dataclass(frozen=True)
class Place:
    """Where a test's ledger lives."""

    admin: str
    writer: str
    reader: str
    key: Path

    @property
    def public(self) -> Path:
        return self.key.with_name(keys.PUBLIC_NAME)

    def opened(self, **options: Any) -> "contextlib.AbstractAsyncContextManager[Ledger]":
        return opened(self, **options)

    async def sql(self, *statements: str) -> None:
        """As the database's superuser, with every trigger off: the strongest attacker inside."""
        connection = await asyncpg.connect(self.admin)
        try:
            await connection.execute("SET session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.admin)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def opened(place: Place, replica: str = "replica-1", **options: Any) -> AsyncIterator[Ledger]:
    options.setdefault("insist_on_durability", False)  # the tests' server runs with fsync off
    ledger = await Ledger.open(place.writer, place.key, replica, **options)
    try:
        yield ledger
    finally:
        await ledger.aclose()


@pytest_asyncio.fixture(scope="session")
async def template(postgres_server: postgres.Postgres) -> str:
    """A migrated database to copy: a migration per test would take most of the tests' time."""
    # other folders borrow this fixture, and then each makes one of its own
    name = f"ledger_template_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(postgres_server.url())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    await migrate(postgres_server.url(name), WRITER, READER)
    return name


@pytest_asyncio.fixture
async def place(
    postgres_server: postgres.Postgres, template: str, tmp_path: Path
) -> AsyncIterator[Place]:
    name = f"ledger_{secrets.token_hex(6)}"
    server = await asyncpg.connect(postgres_server.url())
    try:
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        await server.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        await server.execute(f"GRANT CONNECT ON DATABASE {name} TO audit_writer, audit_reader")
        key = tmp_path / keys.PRIVATE_NAME
        keys.create(key)
        yield Place(
            postgres_server.url(name),
            postgres_server.url(name, "audit_writer", WRITER),
            postgres_server.url(name, "audit_reader", READER),
            key,
        )
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


@pytest.fixture
def body() -> dict[str, Any]:
    return {
        "rid": "r-1", "iss": "https://id.example", "sub": "s-1", "person": "ana", "agent": "desk",
        "roles": ["analyst"], "method": "tools/call", "server": "warehouse", "tool": "get_metric",
        "args": {"name": "revenue"}, "decision": "allow", "status": "ok", "latency_ms": 1.5,
    }  # fmt: skip
