"""What the tools ask of a warehouse holds for both engines, on the same data."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from postgres.loaded import Loaded
from servers.warehouse import duck_loaded

from mcp_shared.faults import Fault
from mcp_warehouse.engine import reading
from mcp_warehouse.guard import admit
from mcp_warehouse.metrics import LAYER
from mcp_warehouse.periods import spans
from mcp_warehouse.rights import REGIONS, Regions, regions_of
from mcp_warehouse.semantic.question import Question
from mcp_warehouse.settings import Settings
from mcp_warehouse.warehouse import Warehouse

QUESTIONS = [(name, group) for name, one in LAYER.metrics.items() for group in one.breakdowns]
EVERY = regions_of(["region-all"])
EUROPE = regions_of(["region-europe"])
SELECTS = [
    "SELECT region, count(*) AS orders, sum(revenue) AS revenue FROM sales.orders GROUP BY region ORDER BY region",
    "SELECT order_date, order_status, revenue FROM sales.orders ORDER BY order_id LIMIT 20",
    "WITH big AS (SELECT account_id, sum(revenue) AS t FROM sales.orders GROUP BY 1) SELECT account_name, t FROM big JOIN sales.accounts USING (account_id) ORDER BY t DESC LIMIT 5",
    "SELECT date_trunc('month', order_date)::date AS month, count(*) AS n FROM orders GROUP BY 1 ORDER BY 1 LIMIT 6",
    "SELECT late, count(*) AS n, 1 AS n FROM sales.order_lines WHERE line_status = 'received' GROUP BY late ORDER BY late",
    "SELECT supplier_name, lines_received FROM sales.supplier_performance ORDER BY 1, month LIMIT 7",
    "SELECT NULL AS nothing, 'ü' AS text, true AS yes, 1.50::numeric(4, 2) AS number",
    "SELECT account_id, rank() OVER (ORDER BY balance DESC) AS place FROM sales.accounts ORDER BY 2, 1 LIMIT 5",
]  # fmt: skip


@pytest_asyncio.fixture(scope="module")
async def urls(warehouse: Loaded, run_folder: Path) -> dict[str, str]:
    db = await asyncpg.connect(warehouse.ro_url)
    as_of = await db.fetchval("SELECT as_of FROM sales.as_of")
    await db.close()
    folder = run_folder / "duckdb"
    folder.mkdir()
    duck_loaded.loaded(folder, as_of)
    return {"postgres": warehouse.ro_url, "duckdb": f"duckdb://{folder}"}


@pytest_asyncio.fixture(scope="module", params=["postgres", "duckdb"])
async def engine(urls: dict[str, str], request: pytest.FixtureRequest) -> AsyncIterator[Warehouse]:
    async with reading(Settings(database_url=urls[request.param])) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def both(urls: dict[str, str]) -> AsyncIterator[list[Warehouse]]:
    async with (
        reading(Settings(database_url=urls["postgres"])) as one,
        reading(Settings(database_url=urls["duckdb"])) as other,
    ):
        yield [one, other]


async def names(engine: Warehouse) -> frozenset[str]:
    return frozenset(table.name for table in await engine.tables())


async def selected(engine: Warehouse, sql: str, regions: Regions = EVERY, rows: int = 100) -> Any:
    return await engine.select(admit(sql, await names(engine)), rows, regions)


async def test_tables_and_their_columns_are_described(engine: Warehouse) -> None:
    tables = await engine.tables()
    assert [table.name for table in tables] == sorted(table.name for table in tables)
    assert {table.kind for table in tables} == {"table", "view"}
    for table in tables:
        assert table.description
        columns = await engine.columns(table.name)
        assert columns
        assert all(column.type and column.description for column in columns)


async def test_both_know_the_same_tables_columns_nations_and_day(both: list[Warehouse]) -> None:
    one, other = both
    tables = [(t.name, t.description) for t in await one.tables()]
    assert tables == [(t.name, t.description) for t in await other.tables()]
    for name, _ in tables:
        columns = [[(c.name, c.description) for c in await engine.columns(name)] for engine in both]
        assert columns[0] == columns[1]
    assert await one.nations() == await other.nations()
    assert await one.as_of() == await other.as_of()


async def test_an_unknown_table_has_no_columns(engine: Warehouse) -> None:
    assert await engine.columns("orders; DROP TABLE") == []


@pytest.mark.parametrize(("metric", "group"), QUESTIONS)
async def test_every_figure_is_the_same_on_both(
    both: list[Warehouse], metric: str, group: str
) -> None:
    as_of = await both[0].as_of()
    this, before = spans("last_90_days", as_of)
    for regions, filters in ((EVERY, {}), (EUROPE, {"segment": "BUILDING"})):
        question = Question(
            LAYER, metric, group, this, None if group == "month" else before, as_of, 200, 0, filters
        )
        found = [
            {(row.id, row.label): row for row in await engine.measure(question, regions)}
            for engine in both
        ]
        assert found[0].keys() == found[1].keys()
        for key, row in found[0].items():
            other = found[1][key]
            assert row.basis == other.basis
            for name in ("value", "previous", "size"):
                assert getattr(row, name) == pytest.approx(getattr(other, name), abs=0.011)


@pytest.mark.parametrize("sql", SELECTS)
async def test_a_persons_sql_gives_the_same_on_both(both: list[Warehouse], sql: str) -> None:
    one, other = [await selected(engine, sql) for engine in both]
    assert one == other


@pytest.mark.parametrize("region", REGIONS)
async def test_only_rows_of_the_persons_regions_are_there(engine: Warehouse, region: Any) -> None:
    regions = Regions((region,), every=False)
    for table in ("orders", "order_lines", "accounts"):
        found = await selected(engine, f"SELECT DISTINCT region FROM sales.{table}", regions)
        assert found.rows == [[region]]
    (total,) = (
        await selected(engine, "SELECT sum(orders) FROM sales.revenue_by_month", regions)
    ).rows
    (all_of_them,) = (await selected(engine, "SELECT count(*) FROM sales.orders", regions)).rows
    assert total == all_of_them


async def test_rows_are_cut_at_the_cap(engine: Warehouse) -> None:
    found = await selected(engine, "SELECT order_id FROM sales.orders", rows=7)
    assert len(found.rows) == 7
    assert found.truncated
    assert not (await selected(engine, "SELECT 1 AS one", rows=7)).truncated


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT nothing_such FROM sales.orders", "invalid"),
        ("SELECT CAST(account_name AS integer) FROM sales.accounts", "invalid"),
        ("SELECT sum(account_name) FROM sales.accounts", "invalid"),
    ],
)
async def test_a_mistake_is_answered_without_a_word_of_the_data(
    engine: Warehouse, sql: str, code: str
) -> None:
    with pytest.raises(Fault) as told:
        await selected(engine, sql)
    assert told.value.code == code
    assert "Customer#" not in str(told.value)


@pytest.mark.parametrize("name", ["postgres", "duckdb"])
async def test_a_long_query_ends_at_the_deadline(urls: dict[str, str], name: str) -> None:
    limits: dict[str, Any] = {"statement_seconds": 0.3, "deadline_seconds": 0.5, "most_cost": 1e12}
    sql = (
        "SELECT count(*) FROM sales.order_lines a JOIN sales.order_lines b ON a.revenue < b.revenue"
    )
    async with reading(Settings(database_url=urls[name], **limits)) as engine:
        with pytest.raises(Fault, match="took too long"):
            await selected(engine, sql)
        assert (await selected(engine, "SELECT 1 AS one")).rows == [[1]]


@pytest.mark.parametrize("name", ["postgres", "duckdb"])
async def test_caps_of_bytes_hold_for_rows_and_answers(urls: dict[str, str], name: str) -> None:
    async with reading(Settings(database_url=urls[name], most_bytes=1000)) as engine:
        found = await selected(engine, "SELECT account_name FROM sales.accounts", rows=1000)
        assert found.truncated
        assert 10 < len(found.rows) < 100
    async with reading(Settings(database_url=urls[name], most_row_characters=100)) as engine:
        with pytest.raises(Fault, match="One row"):
            await selected(engine, "SELECT account_name || account_name || account_name || account_name"
                                   " || account_name || account_name FROM sales.accounts")  # fmt: skip


async def test_a_folder_without_files_is_unavailable(tmp_path: Path) -> None:
    async with reading(Settings(database_url=f"duckdb://{tmp_path}")) as engine:
        with pytest.raises(Fault) as told:
            await engine.as_of()
    assert told.value.code == "unavailable"
    assert str(tmp_path) not in str(told.value)
