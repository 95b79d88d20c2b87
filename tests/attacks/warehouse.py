"""The warehouse server as it is attacked: full of traps, asked by a person of one region."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest_asyncio
from house.house import House
from people import Issuer
from postgres.attacks import Attack, of
from postgres.layers import Answer, in_database
from postgres.loaded import Loaded
from postgres.planted import FOREIGN, state
from postgres.served import Answered, Served, governed, served

from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey
from mcp_shared.meta import FAULT

PERSON = "ben"  # of EUROPE
STATEMENT_SECONDS, DEADLINE_SECONDS, GRACE_SECONDS = 1.5, 2.0, 8.0


@pytest_asyncio.fixture(scope="session")
async def warehouse_server(
    warehouse_issuer: Issuer, planted_warehouse: Loaded
) -> AsyncIterator[Served]:
    async with served(
        warehouse_issuer, planted_warehouse, connections=2,
        statement_seconds=STATEMENT_SECONDS, deadline_seconds=DEADLINE_SECONDS,
    ) as running:  # fmt: skip
        yield running


@pytest_asyncio.fixture
async def warehouse_behind(
    tmp_path: Path,
    warehouse_server: Served,
    postgres_server: Postgres,
    ledger_template: str,
    valkey_server: Valkey,
) -> AsyncIterator[House]:
    """The gateway in front of that server."""
    async with governed(
        tmp_path / "behind", warehouse_server, postgres_server.url(), ledger_template,
        valkey_server.url,
    ) as house:  # fmt: skip
        yield house


def code_of(answer: Answered) -> str:
    return str(answer.result.get("_meta", {}).get(FAULT, {}).get("code", ""))


async def contained(server: Served, admin: asyncpg.Connection, row: str) -> dict[str, Answered]:
    """Every attack of a row through the server; what came of each, by its id."""
    answers = {}
    for attack in of(row):
        before = await state(admin)
        started = time.monotonic()
        answer = await server.ask(PERSON, attack.sql, max_rows=1000)
        assert time.monotonic() - started < DEADLINE_SECONDS + GRACE_SECONDS, attack.id
        assert await state(admin) == before, attack.id
        assert FOREIGN not in answer.whole, attack.id
        if attack.expect == "refused":
            assert answer.failed, attack.id
            assert code_of(answer) == "invalid", attack.id
        answers[attack.id] = answer
    # whoever comes next finds a clean connection
    following = await server.ask(PERSON, "SELECT DISTINCT region FROM sales.orders")
    assert following.rows == [["EUROPE"]]
    return answers


async def alone(database: Loaded, admin: asyncpg.Connection, row: str) -> dict[str, Answer]:
    """Every attack of a row on the database, without the server's parser; by id."""
    answers = {}
    for attack in of(row):
        before = await state(admin)
        answer = await in_database(database.ro_url, attack.sql)
        assert await state(admin) == before, attack.id
        assert FOREIGN not in answer.text, attack.id
        assert answer.left == (), attack.id
        answers[attack.id] = answer
    return answers


async def governed_attack(home: House, attack: Attack) -> tuple[dict[str, object], str]:
    """Through the gateway with a token: the outcome on the record, and the whole answer."""
    answer = await home.call("warehouse_run_sql", {"sql": attack.sql}, person=PERSON)
    assert answer.status_code == 200
    outcomes = await home.settled(1, kind="outcome")
    return outcomes[-1], json.dumps(answer.json())
