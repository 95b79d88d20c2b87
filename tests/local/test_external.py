"""Servers of one's own instead of ours: DATABASE_URL and REDIS_URL."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from local.small_stack import BASE, clone
from local.test_supervisor import NEEDY, OWN, ROLE, board_of, environment_of, started

from mcp_local import control
from mcp_local.ports import free_port
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey


async def test_servers_named_in_the_environment_are_used_and_not_started(
    run_folder: Path, postgres_server: Postgres, valkey_server: Valkey
) -> None:
    root = clone(run_folder / "external", {"alpha": NEEDY}, base=BASE + OWN)
    (root / "role.py").write_text(ROLE)
    with started(root, postgres_server.url(), valkey_server.url) as here:
        await asyncio.to_thread(control.wait_ready, here, lambda _: None, 60)
        parts = board_of(here).parts
        for part in (parts["postgres"], parts["valkey"]):
            assert (part.pid, part.port) == (None, None)
        assert "not ours" in parts["postgres"].detail
        given = environment_of(parts["alpha"].port or 0)
        assert given["REDIS"] == valkey_server.url
        assert given["DB"].startswith("postgresql://clerk:")
        assert given["DB"].endswith(f":{postgres_server.port}/shop")
        assert "DATABASE_URL" not in given  # the superuser's address is not for servers
        clerk = await asyncpg.connect(given["DB"])
        assert await clerk.fetchval("SELECT current_database()") == "shop"
        await clerk.close()
    admin = await asyncpg.connect(postgres_server.url())
    await admin.execute("DROP DATABASE shop WITH (FORCE)")
    await admin.execute("DROP ROLE clerk")
    await admin.close()


def test_a_server_in_the_environment_that_does_not_answer_is_said(run_folder: Path) -> None:
    root = clone(run_folder / "nobody", {"alpha": NEEDY}, base=BASE + OWN)
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"
    says = "named in the environment does not answer"
    with started(root, nowhere) as here, pytest.raises(control.StackError, match=says):
        control.wait_ready(here, lambda _: None, 30)
