"""The database alone: nothing to write with, nothing to look around with."""

import asyncpg
import pytest
from postgres.loaded import Loaded

DENIED = [
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_sleep(0)",
    "SELECT pg_notify('x', 'y')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_export_snapshot()",
    "SELECT pg_current_xact_id()",
    "SELECT txid_current()",
    "SELECT * FROM ts_stat('SELECT 1')",
    "SELECT query_to_xml('SELECT 1', true, true, '')",
    "SELECT table_to_xml('sales.orders', true, true, '')",
    "SELECT database_to_xml(true, true, '')",
    "SELECT pg_import_system_collations('pg_catalog')",
    "SELECT lastval()",
    "SELECT version()",
    "SELECT repeat('x', 1000000000)",
    "SELECT pg_stat_get_activity(NULL)",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM pg_catalog.pg_roles",
    "SELECT * FROM pg_user",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_auth_members",
    "SELECT * FROM pg_database",
    "SELECT * FROM pg_db_role_setting",
    "SELECT * FROM pg_settings",
    "SELECT * FROM pg_file_settings",
    "SELECT * FROM pg_stats",
    "SELECT * FROM pg_locks",
    "SELECT * FROM pg_prepared_statements",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM tpch.orders",
    "SELECT * FROM tpch.load",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY sales.orders TO '/tmp/x'",
    "CREATE TEMP TABLE t (a int)",
    "CREATE TABLE sales.t (a int)",
    "CREATE TABLE public.t (a int)",
    "CREATE ROLE intruder",
    "DO $$ BEGIN END $$",
    "CREATE FUNCTION sales.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION dblink",
    "DELETE FROM sales.orders",
    "SELECT * FROM sales.orders FOR UPDATE",
    "LOCK TABLE sales.orders IN ROW SHARE MODE",
]


@pytest.mark.parametrize("sql", DENIED)
async def test_a_session_of_the_reader_may_not(reader: asyncpg.Connection, sql: str) -> None:
    """Outside READ ONLY, so that the rights are tested and not the transaction."""
    await reader.execute("SET default_transaction_read_only = off")
    await reader.execute("SET app.regions = 'all'")
    with pytest.raises(asyncpg.PostgresError) as refused:
        async with reader.transaction():
            await reader.fetch(sql)
    assert refused.value.sqlstate in {"42501", "0A000", "42704"}, refused.value


async def test_no_function_that_acts_is_open_to_the_reader(admin: asyncpg.Connection) -> None:
    """After an upgrade of PostgreSQL, too: new functions arrive open to everyone."""
    rows = await admin.fetch(
        "SELECT proname FROM pg_proc WHERE has_function_privilege('wh_ro', oid, 'EXECUTE')"
        " AND provolatile = 'v' AND prokind IN ('f', 'p')"
        " AND pronamespace <> 'information_schema'::regnamespace"
    )
    assert {row["proname"] for row in rows} == {"random"}


async def test_no_function_of_the_data_schemas_exists(admin: asyncpg.Connection) -> None:
    count = await admin.fetchval(
        "SELECT count(*) FROM pg_proc"
        " WHERE pronamespace IN ('sales'::regnamespace, 'tpch'::regnamespace)"
    )
    assert count == 0


async def test_the_reader_is_nobody_else(admin: asyncpg.Connection) -> None:
    role = await admin.fetchrow("SELECT * FROM pg_roles WHERE rolname = 'wh_ro'")
    assert role
    assert not any(
        role[right]
        for right in (
            "rolsuper", "rolinherit", "rolcreaterole", "rolcreatedb", "rolreplication",
            "rolbypassrls",
        )
    )  # fmt: skip
    memberships = await admin.fetchval(
        "SELECT count(*) FROM pg_auth_members WHERE member = 'wh_ro'::regrole"
    )
    assert memberships == 0


async def test_a_session_starts_bounded(reader: asyncpg.Connection) -> None:
    settings = {
        name: await reader.fetchval(f"SELECT current_setting('{name}')")
        for name in ("default_transaction_read_only", "statement_timeout", "jit", "temp_file_limit")
    }
    assert settings == {
        "default_transaction_read_only": "on",
        "statement_timeout": "5s",
        "jit": "off",
        "temp_file_limit": "256MB",
    }
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("SET temp_file_limit = -1")


async def test_other_roles_may_not_even_connect(
    admin: asyncpg.Connection, warehouse: Loaded
) -> None:
    await admin.execute("DROP ROLE IF EXISTS passer_by; CREATE ROLE passer_by LOGIN PASSWORD 'p'")
    url = warehouse.admin_url.split("@")[1]
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(f"postgresql://passer_by:p@{url}")
    finally:
        await admin.execute("DROP ROLE passer_by")


async def test_ordinary_analysis_still_works(reader: asyncpg.Connection) -> None:
    await reader.execute("SET app.regions = 'all'")
    rows = await reader.fetch(
        "SELECT region, to_char(date_trunc('month', order_date), 'YYYY-MM') AS month,"
        " sum(revenue)::numeric(15, 2), count(DISTINCT account_id), string_agg(DISTINCT segment, ','),"
        " percentile_cont(0.5) WITHIN GROUP (ORDER BY revenue), lag(sum(revenue)) OVER (ORDER BY region)"
        " FROM sales.orders WHERE order_date > current_date - interval '60 days'"
        " GROUP BY 1, 2 ORDER BY 3 DESC"
    )
    assert len(rows) >= 10
