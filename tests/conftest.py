"""Real dependencies for every test that asks: one PostgreSQL and one Valkey per test process."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import settings
from litter import pytest_configure, pytest_unconfigure
from shares import (
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

from mcp_gateway.limits import throttle
from mcp_local import postgres, valkey

__all__ = [  # hooks
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_unconfigure",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
]

# the same examples in every run, however long one takes; others: --hypothesis-profile default
settings.load_profile("ci")

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS, AWAY_SECONDS = 10.0, throttle.ANSWER_SECONDS


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """On a busy machine Valkey answers late: only where it is the subject does late mean away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throttle, "ANSWER_SECONDS", PATIENCE_SECONDS)
        yield


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway as it is: a store that is late is away."""
    monkeypatch.setattr(throttle, "ANSWER_SECONDS", AWAY_SECONDS)


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A folder inside the repository: PostgreSQL's unprivileged user must be able to reach it."""
    folder = ROOT / ".run" / f"test-{os.getpid()}"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> Iterator[postgres.Postgres]:
    with postgres.running(run_folder / "postgres", {"fsync": "off", "max_connections": "200"}) as s:
        yield s


@pytest.fixture(scope="session")
def valkey_server(run_folder: Path) -> Iterator[valkey.Valkey]:
    with valkey.running(run_folder / "valkey") as server:
        yield server


@pytest_asyncio.fixture
async def database(postgres_server: postgres.Postgres) -> AsyncIterator[str]:
    """The superuser URL of an empty database of this test's own."""
    name = f"t_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_server.url())
    try:
        await admin.execute(f'CREATE DATABASE "{name}"')
        yield postgres_server.url(name)
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()
