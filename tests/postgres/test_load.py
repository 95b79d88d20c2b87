import subprocess
import sys
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from postgres.loaded import PASSWORD, SCALE, Loaded

from seed_warehouse import load as loading
from seed_warehouse.customers import customers
from seed_warehouse.load import load

# TPC-H, clause 4.2.5.1, times the scale of 0.01
ROWS = {
    "region": 5,
    "nation": 25,
    "supplier": 100,
    "customer": 1_500,
    "part": 2_000,
    "partsupp": 8_000,
    "orders": 15_000,
    "lineitem": 60_175,
}


async def test_every_tpch_table_is_complete(admin: asyncpg.Connection) -> None:
    found = {t: await admin.fetchval(f"SELECT count(*) FROM tpch.{t}") for t in ROWS}
    assert found == ROWS


async def test_a_known_answer_of_tpch_is_exact(admin: asyncpg.Connection) -> None:
    """Question 6 at scale 0.01; the published answer set of DuckDB's extension says 1193053.2253."""
    revenue = await admin.fetchval(
        "SELECT sum(l_extendedprice * l_discount) FROM tpch.lineitem"
        " WHERE l_shipdate >= '1994-01-01' AND l_shipdate < '1995-01-01'"
        " AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24"
    )
    assert str(revenue) == "1193053.2253"


async def test_the_newest_order_is_of_the_day_of_the_load(admin: asyncpg.Connection) -> None:
    row = await admin.fetchrow(
        "SELECT max(order_date), as_of, shift_days FROM sales.orders, sales.as_of GROUP BY 2, 3"
    )
    assert row
    newest, as_of, shift = row
    today = datetime.now(UTC).date()
    assert newest == as_of
    assert abs(as_of - today) <= timedelta(days=1)
    original = await admin.fetchval("SELECT max(o_orderdate) FROM tpch.orders")
    assert original + timedelta(days=shift) == as_of


async def test_sales_adds_up_to_tpch(admin: asyncpg.Connection) -> None:
    exact = await admin.fetchval(
        "SELECT sum(round(l_extendedprice * (1 - l_discount), 2)) FROM tpch.lineitem"
    )
    assert await admin.fetchval("SELECT sum(revenue) FROM sales.orders") == exact
    assert await admin.fetchval("SELECT sum(revenue) FROM sales.revenue_by_nation") == exact
    lines = await admin.fetchval("SELECT sum(lines) FROM sales.orders")
    assert lines == ROWS["lineitem"]


async def test_no_order_that_should_have_arrived_is_open(admin: asyncpg.Connection) -> None:
    wrong = await admin.fetchval(
        "SELECT count(*) FROM sales.order_lines, sales.as_of"
        " WHERE (line_status = 'received') <> (receipt_date <= as_of)"
    )
    assert wrong == 0


async def test_accounts_are_those_the_crm_is_seeded_from(admin: asyncpg.Connection) -> None:
    rows = await admin.fetch(
        "SELECT account_id, account_name, nation, region, segment, phone, balance"
        " FROM sales.accounts ORDER BY account_id"
    )
    assert [tuple(row) for row in rows] == [
        (c.custkey, c.name, c.nation, c.region, c.segment, c.phone, c.acctbal)
        for c in customers(SCALE)
    ]


async def test_large_accounts_have_lost_revenue(admin: asyncpg.Connection) -> None:
    """The question of the demonstration has an answer, whatever day the data was loaded on."""
    rows = await admin.fetch(
        "WITH big AS (SELECT account_id FROM sales.orders, sales.as_of WHERE order_date > as_of - 365"
        " GROUP BY 1 ORDER BY sum(revenue) DESC LIMIT 20)"
        " SELECT account_id FROM sales.orders JOIN big USING (account_id), sales.as_of GROUP BY 1"
        " HAVING sum(revenue) FILTER (WHERE order_date > as_of - 90)"
        " < sum(revenue) FILTER (WHERE order_date > as_of - 180 AND order_date <= as_of - 90)"
    )
    assert {row["account_id"] for row in rows} >= {1141, 986, 1243}


async def test_every_table_and_column_of_sales_is_described(admin: asyncpg.Connection) -> None:
    bare = await admin.fetch(
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'sales'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0"
        " AND (col_description(pg_class.oid, attnum) IS NULL"
        " OR obj_description(pg_class.oid, 'pg_class') IS NULL)"
    )
    assert bare == []


async def test_a_second_load_finds_nothing_to_do(warehouse: Loaded) -> None:
    assert await load(warehouse.admin_url, PASSWORD, SCALE) is False


async def test_a_second_load_still_sets_the_password(warehouse: Loaded) -> None:
    await load(warehouse.admin_url, "another", SCALE)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(warehouse.ro_url)
    await load(warehouse.admin_url, PASSWORD, SCALE)
    await (await asyncpg.connect(warehouse.ro_url)).close()


async def test_a_load_that_was_cut_short_is_done_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full_disk(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(loading, "_copy", full_disk)
        with pytest.raises(OSError, match="no space"):
            await load(database, PASSWORD, SCALE)
    assert await load(database, PASSWORD, SCALE) is True
    assert await load(database, PASSWORD, SCALE) is False


async def test_a_change_of_the_sql_or_the_scale_loads_anew(
    warehouse: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    async def build(*arguments: object) -> None:
        built.append(arguments[-1])
        raise StopAsyncIteration

    monkeypatch.setattr(loading, "_build", build)
    with pytest.raises(StopAsyncIteration):
        await load(warehouse.admin_url, PASSWORD, 0.02)
    monkeypatch.setattr(loading, "files", list)
    with pytest.raises(StopAsyncIteration):
        await load(warehouse.admin_url, PASSWORD, SCALE)
    assert built == [0.02, SCALE]


def test_a_scale_that_tpch_does_not_define_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seed_warehouse", "--scale", "0.001"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert "0.01" in done.stderr
