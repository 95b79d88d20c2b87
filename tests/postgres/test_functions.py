"""Functions that an upgrade of PostgreSQL brings are open to everyone until somebody looks at them."""

import asyncpg
import pytest
from postgres.functions import ACCEPTED, open_to_the_reader
from postgres.layers import TABLES

from mcp_warehouse.guard import Refused, admit

HOW = "read what they do, close them in 080_hardening.sql or write the list anew (functions.py)"


async def test_no_function_is_open_that_nobody_has_looked_at(admin: asyncpg.Connection) -> None:
    """The list is of PostgreSQL 18; an older server has fewer, and may not have others."""
    accepted = set(ACCEPTED.read_text("utf-8").splitlines())
    new = sorted(set(await open_to_the_reader(admin)) - accepted)
    assert not new, f"open to everyone: {', '.join(new)}; {HOW}"


async def test_a_function_that_arrives_open_is_named(admin: asyncpg.Connection) -> None:
    accepted = set(ACCEPTED.read_text("utf-8").splitlines())
    transaction = admin.transaction()
    await transaction.start()
    try:
        await admin.execute("GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO PUBLIC")
        assert set(await open_to_the_reader(admin)) - accepted == {"v pg_sleep(double precision)"}
    finally:
        await transaction.rollback()


async def test_a_function_that_somebody_adds_is_nobodys_to_call(admin: asyncpg.Connection) -> None:
    transaction = admin.transaction()
    await transaction.start()
    try:
        await admin.execute("CREATE FUNCTION sales.added() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        assert not await admin.fetchval(
            "SELECT has_function_privilege('wh_ro', 'sales.added()', 'EXECUTE')"
        )
    finally:
        await transaction.rollback()


def test_what_tells_of_the_server_or_acts_is_not_on_the_list() -> None:
    names = {
        line.split(" ", 1)[-1].partition("(")[0]
        for line in ACCEPTED.read_text("utf-8").splitlines()
    }
    assert not {name for name in names if name.startswith(("pg_", "lo_", "has_", "inet_"))} - {
        "pg_typeof"
    }
    assert not names & {"set_config", "version", "nextval", "repeat", "query_to_xml", "ts_stat"}


# what the guard lets a person call anyhow, and what says by itself that it is not called like this
CALLED = {
    "concat", "count", "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "max", "min",
    "mode", "percent_rank", "rank",
}  # fmt: skip


async def test_W10_no_function_is_called_as_if_it_were_a_column(
    admin: asyncpg.Connection, reader: asyncpg.Connection
) -> None:
    """To PostgreSQL `o.to_json` is `to_json(o)`, a call that the syntax tree does not show."""
    found = await admin.fetch("SELECT DISTINCT proname FROM pg_proc WHERE prokind <> 'p'")
    called = set()
    for (name,) in found:
        for rows in ("sales.orders o", "(SELECT 1 AS a) o"):
            try:
                await reader.fetch(f'SELECT o."{name}" FROM {rows} LIMIT 0')
            except asyncpg.UndefinedColumnError:
                continue
            except asyncpg.PostgresError:
                pass  # it is there, and not for this role, or not like this
            called.add(name)
    assert called >= CALLED
    for name in called - CALLED:
        with pytest.raises(Refused):
            admit(f'SELECT o."{name}" FROM orders o', TABLES)
