"""Functions that an upgrade of PostgreSQL brings are open to everyone until somebody looks at them."""

import asyncpg
from postgres.functions import ACCEPTED, open_to_the_reader

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
