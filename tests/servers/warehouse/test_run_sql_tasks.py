"""A question that takes longer than a request may, as a task: through the gateway, on the database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from house.jobs import Jobs
from people import Issuer
from postgres.loaded import Loaded
from postgres.served import SLOW, governed, served, until_busy

from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey
from mcp_shared.tasks.migrate import migrate

# some seconds of one core, and an end
LONG = (
    "SELECT count(*) AS pairs FROM order_lines a, (SELECT revenue FROM order_lines LIMIT 600) b"
    " WHERE a.revenue < b.revenue"
)
SHORT = "SELECT count(*) AS lines FROM order_lines"
SOON = 5.0


@pytest_asyncio.fixture
async def asked(
    tmp_path: Path,
    warehouse_issuer: Issuer,
    warehouse: Loaded,
    postgres_server: Postgres,
    ledger_template: str,
    valkey_server: Valkey,
) -> AsyncIterator[Jobs]:
    """Half a second for a plain question, half a minute for one that is a task."""
    settings = {
        "tasks_database_url": warehouse.results_url, "statement_seconds": 0.5,
        "deadline_seconds": 1, "task_seconds": 40, "most_cost": 1e12, "most_task_cost": 1e12,
    }  # fmt: skip
    async with (
        served(warehouse_issuer, warehouse, **settings) as server,
        governed(
            tmp_path / "house", server, postgres_server.url(), ledger_template, valkey_server.url
        ) as home,
    ):
        now, key = home.gateway.policy, ("warehouse", "tool", "run_sql")
        rules: dict[Any, Any] = dict(now.rules)
        rules[key] = replace(rules[key], task=3600.0)
        home.gateway.policy = replace(now, rules=rules)
        yield Jobs(home, endpoint="warehouse")


def rows(result: dict[str, Any]) -> Any:
    assert not result.get("isError"), result
    return result["structuredContent"]["rows"]


async def test_what_is_too_long_for_a_request_is_answered_as_a_task(
    asked: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    plain = await asked.call("run_sql", {"sql": LONG}, can={})
    assert plain["isError"]
    begun = await asked.call("run_sql", {"sql": LONG})
    assert begun["resultType"] == "task"
    done = await asked.until(begun["taskId"], "completed", seconds=60)
    ((pairs,),) = rows(done["result"])
    assert pairs > 1000
    assert done["result"]["structuredContent"]["regions"]
    (end,) = await asked.home.records(method="tasks/get", status="ok")
    assert (end["server"], end["tool"]) == ("warehouse", "run_sql")
    # nothing that tasks need is closed in this database
    assert "tasks unreachable" not in caplog.text


async def test_what_is_quick_is_a_plain_answer_for_everybody(asked: Jobs) -> None:
    knows: dict[str, Any] = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    for can in ({}, knows):
        result = await asked.call("run_sql", {"sql": SHORT}, can=can)
        assert result["resultType"] == "complete"
        assert rows(result)


async def test_a_cancelled_task_ends_its_query(asked: Jobs, admin: asyncpg.Connection) -> None:
    task = await asked.task("run_sql", {"sql": SLOW})
    await until_busy(admin, lambda count: count == 1)
    await asked.cancel(task)
    assert await until_busy(admin, lambda count: count == 0) < SOON
    assert (await asked.get(task))["status"] == "cancelled"


async def test_other_questions_are_answered_while_tasks_run(asked: Jobs) -> None:
    tasks = [await asked.task("run_sql", {"sql": SLOW}) for _ in range(3)]
    async with asyncio.timeout(10):
        result = await asked.call("run_sql", {"sql": SHORT}, can={})
    assert rows(result)
    for task in tasks:
        await asked.cancel(task)


async def test_the_loaders_table_is_the_one_that_the_library_makes(
    database: str, warehouse: Loaded
) -> None:
    await migrate(database, f"postgresql://tasks_same:secret@{database.partition('@')[2]}")
    found = []
    for url in (database, warehouse.admin_url):
        db = await asyncpg.connect(url)
        try:
            columns = await db.fetch(
                "SELECT column_name, data_type, is_nullable, column_default"
                " FROM information_schema.columns WHERE table_schema = 'tasks' ORDER BY 1"
            )
            indexes = await db.fetch(
                "SELECT indexdef FROM pg_indexes WHERE schemaname = 'tasks' ORDER BY 1"
            )
            rules = await db.fetch(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'tasks'::regnamespace ORDER BY 1"
            )
        finally:
            await db.close()
        found.append([tuple(row) for row in (*columns, *indexes, *rules)])
    assert found[0] == found[1]
    assert len(found[0]) > 16
