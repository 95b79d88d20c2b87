"""Every way of counting, choosing and stepping that the YAML knows, against SQL written by hand."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from postgres.loaded import Loaded

from mcp_warehouse.periods import Span
from mcp_warehouse.reader import Reader, reading
from mcp_warehouse.rights import regions_of
from mcp_warehouse.semantic.question import Question, measured
from mcp_warehouse.semantic.source import read
from mcp_warehouse.settings import Settings

FILE = """\
tables:
  lines:
    table: sales.order_lines
    grain: line
    key: [order_id, line_number]
    columns: [order_id, line_number, account_id, region, order_date, supplier_id, product_id, quantity, revenue,
              ship_mode, line_status, late]
  suppliers: {{table: sales.suppliers, grain: supplier, key: [supplier_id], columns: [supplier_id, nation]}}
joins:
  supplier: {{from: lines, to: suppliers, by: {{supplier_id: supplier_id}}}}
dimensions:
  region: {{column: region}}
  origin: {{column: supplier.nation}}
  quarter: {{each: quarter}}
  year: {{each: year}}
filters: [region, origin]
conditions:
  chosen: {{column: {column}, {condition}}}
  from_france: {{column: supplier.nation, is: FRANCE}}
measures:
  value: {{of: lines, {measure}}}
  total: {{of: lines, sum: revenue}}
  lines: {{of: lines, count: rows}}
metrics:
  asked:
    definition: Whatever is asked in this test.
    unit: count
    measure: value
    basis: lines
    day: order_date
    breakdowns: [total, region, origin, quarter, year]
"""
# `chosen` by default: more than 30 units
MEASURES = [
    ("count: rows", "count(*)"),
    ("count: rows, where: [chosen]", "count(*) FILTER (WHERE quantity >= 30)"),
    ("count: rows, where: [from_france]", "count(*) FILTER (WHERE s.nation = 'FRANCE')"),
    ("count: rows, where: [chosen, from_france]", "count(*) FILTER (WHERE quantity >= 30 AND s.nation = 'FRANCE')"),
    ("distinct: account_id", "count(DISTINCT account_id)"),
    ("distinct: supplier.nation", "count(DISTINCT s.nation)"),
    ("sum: revenue", "sum(revenue)"),
    ("average: quantity", "avg(quantity)"),
    ("smallest: revenue", "min(revenue)"),
    ("greatest: quantity", "max(quantity)"),
    ("share: chosen", "100.0 * count(*) FILTER (WHERE quantity >= 30) / count(*)"),
    ("share: chosen, where: [from_france]",
     "100.0 * avg((quantity >= 30)::integer) FILTER (WHERE s.nation = 'FRANCE')"),
    ("ratio: [total, lines]", "sum(revenue) / count(*)"),
]  # fmt: skip
CONDITIONS = [
    ("quantity", "is: 7", "quantity = 7"),
    ("quantity", "is_not: 7", "quantity <> 7"),
    ("quantity", "at_least: 30", "quantity >= 30"),
    ("revenue", "at_most: 5000.5", "revenue <= 5000.5"),
    ("order_date", "at_least: 2020-01-31", "order_date >= '2020-01-31'"),
    ("ship_mode", "one_of: [AIR, REG AIR]", "ship_mode IN ('AIR', 'REG AIR')"),
    ("late", "is: false", "NOT late"),
    ("supplier.nation", "is_not: FRANCE", "s.nation <> 'FRANCE'"),
]
GROUPS = {
    "total": "'total'", "region": "l.region", "origin": "s.nation",
    "quarter": """to_char(order_date, 'YYYY-"Q"Q')""", "year": "to_char(order_date, 'YYYY')",
}  # fmt: skip
EVERY = regions_of(["region-all"])


@pytest_asyncio.fixture(scope="module")
async def reader(warehouse: Loaded) -> AsyncIterator[Reader]:
    async with reading(Settings(database_url=warehouse.ro_url)) as opened:
        yield opened


async def compare(
    reader: Reader, admin: asyncpg.Connection, measure: str, by_hand: str, group: str,
    condition: tuple[str, str] = ("quantity", "at_least: 30"), **filters: str,
) -> None:  # fmt: skip
    text = FILE.format(measure=measure, column=condition[0], condition=condition[1])
    as_of = await reader.as_of()
    span = Span.of_days(as_of, 700)
    question = Question(read(text, "test.yaml"), "asked", group, span, None, as_of, 50, 0, filters)
    found = {row.label: (row.value, row.basis) for row in await reader.measure(question, EVERY)}
    chosen = {"region": "l.region", "origin": "s.nation"}
    where = "".join(f" AND {chosen[name]} = '{value}'" for name, value in filters.items())
    rows = await admin.fetch(
        f"SELECT {GROUPS[group]}, {by_hand}, count(*) FROM sales.order_lines l"
        " JOIN sales.suppliers s USING (supplier_id)"
        f" WHERE order_date BETWEEN $1 AND $2{where} GROUP BY 1",
        span.first, span.last,
    )  # fmt: skip
    assert found.keys() == {label for label, *_ in rows}
    for label, value, basis in rows:
        assert found[label][1] == basis
        expected: Any = None if value is None else pytest.approx(float(value), abs=0.006)
        assert found[label][0] == expected


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("measure", "by_hand"), MEASURES)
async def test_a_measure_is_what_its_sql_says(
    reader: Reader, admin: asyncpg.Connection, measure: str, by_hand: str, group: str
) -> None:
    await compare(reader, admin, measure, by_hand, group)


@pytest.mark.parametrize(("column", "condition", "by_hand"), CONDITIONS)
async def test_a_condition_is_what_its_sql_says(
    reader: Reader, admin: asyncpg.Connection, column: str, condition: str, by_hand: str
) -> None:
    counted = f"count(*) FILTER (WHERE {by_hand})"
    await compare(
        reader, admin, "count: rows, where: [chosen]", counted, "region", (column, condition)
    )


async def test_a_filter_may_lie_behind_a_join(reader: Reader, admin: asyncpg.Connection) -> None:
    await compare(reader, admin, "sum: revenue", "sum(revenue)", "region", origin="PERU")
    await compare(
        reader, admin, "sum: revenue", "sum(revenue)", "origin", region="ASIA", origin="PERU"
    )


@pytest.mark.parametrize(
    ("group", "day", "label"),
    [
        ("year", date(2026, 1, 1), "2026"),
        ("quarter", date(2026, 1, 1), "2026-Q1"),
        ("quarter", date(2026, 10, 1), "2026-Q4"),
    ],
)
def test_a_step_of_time_is_called_as_people_call_it(group: str, day: date, label: str) -> None:
    text = FILE.format(measure="count: rows", column="quantity", condition="is: 1")
    span = Span(day, day)
    question = Question(read(text, "test.yaml"), "asked", group, span, None, day, 1)
    assert measured(question, None, day, 1, None, 1, None).label == label
