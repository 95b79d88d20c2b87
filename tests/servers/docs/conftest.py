"""The handbook loaded once for all that only read it, and an empty knowledge base for the others."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from servers.docs.reading import Knowledge, prepared

from mcp_local.postgres import Postgres

HANDBOOK = Path(__file__).parents[3] / "infra" / "sandbox" / "handbook"


@pytest.fixture(scope="session")
def handbook_folder() -> Path:
    return HANDBOOK


@pytest_asyncio.fixture(scope="session")
async def handbook(postgres_server: Postgres) -> AsyncIterator[Knowledge]:
    name = f"handbook_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_server.url())
    try:
        await admin.execute(f'CREATE DATABASE "{name}"')
        knowledge = await prepared(postgres_server.url(name))
        report = await knowledge.load(HANDBOOK)
        assert not report.skipped
        yield knowledge
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@pytest_asyncio.fixture
async def knowledge(database: str) -> Knowledge:
    return await prepared(database)
