"""How many connections one process may open, and what is said when there is none left."""

import logging
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from postgres.loaded import Loaded

from mcp_shared.faults import Fault
from mcp_shared.tasks.settings import TaskSettings
from mcp_warehouse import reader
from mcp_warehouse.engine import reading
from mcp_warehouse.results import store
from mcp_warehouse.settings import Settings

SQL = Path(__file__).parents[3] / "infra" / "postgres" / "warehouse"
REPLICAS = 4


def limit(file: str) -> int:
    found = re.search(r"CONNECTION LIMIT (\d+)", (SQL / file).read_text("utf-8"))
    assert found
    return int(found[1])


async def test_four_replicas_with_the_defaults_fit_the_limits_of_their_logins() -> None:
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/none")
    opened = 0
    for each in (
        settings,
        settings.for_results,
        settings.for_tasks,
        settings.for_results.for_tasks,
    ):
        async with reader.reading(each) as one:
            opened += one._fixed.get_max_size() + one._own.get_max_size()
    assert REPLICAS * opened <= limit("010_roles.sql")
    kept = store.CONNECTIONS + TaskSettings().connections
    assert REPLICAS * kept <= limit("090_results.sql")


async def test_a_login_without_a_connection_left_is_busy_and_the_log_says_which(
    warehouse: Loaded, admin: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    login = f"none_left_{secrets.token_hex(4)}"
    await admin.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'x' CONNECTION LIMIT 0")
    parts = urlsplit(warehouse.ro_url)
    url = f"postgresql://{login}:x@{parts.hostname}:{parts.port}{parts.path}"
    try:
        async with reading(Settings(database_url=url)) as engine:
            with caplog.at_level(logging.ERROR), pytest.raises(Fault, match="is busy"):
                await engine.as_of()
    finally:
        await admin.execute(f"DROP ROLE {login}")
    [line] = [record for record in caplog.records if record.name == "mcp_warehouse.reader"]
    assert line.getMessage() == "no connection left"
    assert vars(line)["login"] == login
