"""The database alone, without the guard in front: what a session of wh_ro can see."""

import itertools
from typing import Any

import asyncpg
import pytest


async def seen(reader: asyncpg.Connection, sql: str, regions: str | None) -> Any:
    """The first value of a query in a transaction with this setting, as the server sets it."""
    transaction = reader.transaction(readonly=True)
    await transaction.start()
    try:
        if regions is not None:
            await reader.execute(f"SET LOCAL app.regions = '{regions}'")
        return await reader.fetchval(sql)
    finally:
        await transaction.rollback()


GUARDED = ("accounts", "orders", "order_lines")


NO_REGION = (None, "")
NO_SUCH_REGION = ("europe", "EUROPE ", "%", "EUROPE;ASIA")


@pytest.mark.parametrize(
    ("table", "regions"),
    [
        *itertools.product(GUARDED, NO_REGION + NO_SUCH_REGION),
        *itertools.product(("suppliers", "products"), NO_REGION),
    ],
)
async def test_without_a_region_that_exists_there_are_no_rows(
    reader: asyncpg.Connection, table: str, regions: str | None
) -> None:
    assert await seen(reader, f"SELECT count(*) FROM sales.{table}", regions) == 0


@pytest.mark.parametrize("table", GUARDED)
async def test_a_region_shows_its_rows_and_no_others(
    reader: asyncpg.Connection, admin: asyncpg.Connection, table: str
) -> None:
    regions = await seen(
        reader, f"SELECT array_agg(DISTINCT region) FROM sales.{table}", "EUROPE,MIDDLE EAST"
    )
    assert sorted(regions) == ["EUROPE", "MIDDLE EAST"]
    expected = await admin.fetchval(
        f"SELECT count(*) FROM sales.{table} WHERE region IN ('EUROPE', 'MIDDLE EAST')"
    )
    counted = await seen(reader, f"SELECT count(*) FROM sales.{table}", "EUROPE,MIDDLE EAST")
    assert counted == expected > 0


@pytest.mark.parametrize("table", GUARDED)
async def test_all_shows_every_row(
    reader: asyncpg.Connection, admin: asyncpg.Connection, table: str
) -> None:
    sql = f"SELECT count(*) FROM sales.{table}"
    assert await seen(reader, sql, "all") == await admin.fetchval(sql)


@pytest.mark.parametrize(
    "view",
    ["revenue_by_month", "revenue_by_nation", "revenue_by_segment", "order_status_by_nation"],
)
async def test_a_view_shows_what_its_reader_may_see(reader: asyncpg.Connection, view: str) -> None:
    part = await seen(reader, f"SELECT sum(revenue) FROM sales.{view}", "ASIA")
    whole = await seen(reader, f"SELECT sum(revenue) FROM sales.{view}", "all")
    assert await seen(reader, f"SELECT sum(revenue) FROM sales.{view}", None) is None
    assert 0 < part < whole


async def test_a_setting_ends_with_its_transaction(reader: asyncpg.Connection) -> None:
    assert await seen(reader, "SELECT count(*) FROM sales.orders", "all") > 0
    assert await seen(reader, "SELECT count(*) FROM sales.orders", None) == 0


async def test_names_of_places_are_open_to_all(reader: asyncpg.Connection) -> None:
    assert await seen(reader, "SELECT count(*) FROM sales.nations", None) == 25
    assert await seen(reader, "SELECT count(*) FROM sales.regions", None) == 5


async def test_every_table_that_names_accounts_is_guarded(admin: asyncpg.Connection) -> None:
    """A table added to `sales` without a policy would be open to everyone."""
    open_tables = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'sales'::regnamespace"
        " AND relkind IN ('r', 'p', 'm') AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    assert {row["relname"] for row in open_tables} == {"regions", "nations"}
    careless_views = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'sales'::regnamespace AND relkind = 'v'"
        " AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)"
    )
    assert {row["relname"] for row in careless_views} == {"as_of"}


WIDENING = [
    (
        "SELECT o.* FROM (SELECT set_config('app.regions', 'all', true) OFFSET 0) s,"
        " LATERAL (SELECT * FROM sales.orders WHERE region <> 'EUROPE') o"
    ),
    "WITH w AS MATERIALIZED (SELECT set_config('app.regions', 'all', true)) SELECT count(*) FROM w",
    "SELECT query_to_xml('SET app.regions = ''all''', true, true, '')",
    "DO $$ BEGIN PERFORM set_config('app.regions', 'all', true); END $$",
    (
        "DO $$ BEGIN SET app.regions = 'all'; RAISE EXCEPTION '%', (SELECT count(*) FROM sales.orders);"
        " END $$"
    ),
    "UPDATE pg_settings SET setting = 'all' WHERE name = 'app.regions'",
    "CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql SET app.regions = 'all' AS 'SELECT 1'",
    "SET SESSION AUTHORIZATION wh_owner",
    "SET ROLE wh_owner",
    "ALTER TABLE sales.orders DISABLE ROW LEVEL SECURITY",
    "SET LOCAL app.regions = 'all'; SELECT count(*) FROM sales.orders",
]


@pytest.mark.parametrize("sql", WIDENING)
async def test_sql_of_a_person_cannot_widen_their_regions(
    reader: asyncpg.Connection, sql: str
) -> None:
    """One statement by the extended protocol, as the server sends it."""
    with pytest.raises(asyncpg.PostgresError):
        await seen(reader, sql, "EUROPE")


async def test_row_security_cannot_be_switched_off(reader: asyncpg.Connection) -> None:
    """`row_security = off` makes a query fail rather than answer more."""
    await reader.execute("SET row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await seen(reader, "SELECT count(*) FROM sales.orders", "EUROPE")


async def test_a_leaky_expression_sees_only_the_readers_rows(reader: asyncpg.Connection) -> None:
    probe = "SELECT count(*) FROM sales.orders WHERE 1 / (CASE WHEN region = 'ASIA' THEN 0 ELSE 1 END) = 1"
    assert await seen(reader, probe, "EUROPE") > 0
