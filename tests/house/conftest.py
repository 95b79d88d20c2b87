import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import redis
from house.backends import Counted, counted_server
from house.house import READER, WRITER, House, house, ledger_database
from house.jobs import Jobs, lock, policy
from people import Issuer, running_issuer
from shared import taskbox
from shared.taskdesk import prepared

from mcp_gateway.audit.migrate import migrate
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey
from mcp_shared.tasks import desk

Opened = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture(scope="session")
def issuer(run_folder: Path) -> Iterator[Issuer]:
    # other folders borrow this fixture too: each then has an issuer, and a key, of its own
    folder = run_folder / f"issuer-{secrets.token_hex(4)}"
    with running_issuer(folder, servers=("numbers", "letters", "jobs")) as running:
        yield running


@pytest_asyncio.fixture(scope="session")
async def ledger_template(postgres_server: Postgres) -> str:
    # other folders borrow this fixture, and then each makes one of its own
    name = f"house_template_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(postgres_server.url())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    await migrate(postgres_server.url(name), WRITER, READER)
    return name


@pytest_asyncio.fixture(scope="session")
async def standing(
    tmp_path_factory: pytest.TempPathFactory,
    issuer: Issuer,
    postgres_server: Postgres,
    ledger_template: str,
    valkey_server: Valkey,
) -> AsyncIterator[House]:
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            ledger_database(postgres_server.url(), ledger_template)
        )
        numbers = await stack.enter_async_context(counted_server(issuer))
        letters = await stack.enter_async_context(counted_server(issuer, name="letters"))
        folder = tmp_path_factory.mktemp("house") / "standing"
        yield await stack.enter_async_context(
            house(folder, issuer, database, valkey_server.url, numbers, letters, migrated=True)
        )


@pytest_asyncio.fixture
async def home(standing: House, valkey_server: Valkey) -> House:
    """The house that stands for the whole session, with nothing remembered of earlier tests."""
    with redis.Redis.from_url(valkey_server.url) as store:
        store.flushall()
    await standing.begin()
    return standing


@pytest_asyncio.fixture
async def server(issuer: Issuer) -> AsyncIterator[Counted]:
    """A server of the test's own, to be changed or stopped."""
    async with counted_server(issuer) as counted:
        yield counted


@pytest.fixture
def opened(
    tmp_path: Path,
    issuer: Issuer,
    postgres_server: Postgres,
    ledger_template: str,
    valkey_server: Valkey,
) -> Opened:
    """A house of the test's own, before a server: for what breaks parts or changes settings."""

    @contextlib.asynccontextmanager
    async def open_house(server: Counted, *others: Counted, **more: Any) -> AsyncIterator[House]:
        with redis.Redis.from_url(valkey_server.url) as store:
            store.flushall()
        admin = postgres_server.url()
        async with ledger_database(admin, ledger_template) as database:
            ledger = more.pop("through", lambda url: url)(database)
            redis_url = more.pop("redis_url", valkey_server.url)
            more["migrated"] = True
            async with house(
                tmp_path / "own", issuer, ledger, redis_url, server, *others, **more
            ) as made:
                made.ledger_url = database
                await made.begin()
                yield made

    return open_house


@pytest_asyncio.fixture
async def jobs_server(
    issuer: Issuer, database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Counted]:
    """A server with tasks, in this process."""
    monkeypatch.setenv("JOBS_TASKS_DATABASE_URL", await prepared(database))
    monkeypatch.setattr(desk, "LEAVE_SECONDS", 0.1)
    taskbox.STARTED.clear()
    taskbox.STOPPED.clear()
    async with counted_server(issuer, taskbox.jobs(), taskbox.NAME) as counted:
        yield counted


@pytest_asyncio.fixture
async def jobs(jobs_server: Counted, opened: Opened, database: str) -> AsyncIterator[Jobs]:
    locks = {taskbox.NAME: await lock(taskbox.jobs())}
    async with opened(jobs_server, policies={taskbox.NAME: policy()}, locks=locks) as home:
        yield Jobs(home, admin=database)
