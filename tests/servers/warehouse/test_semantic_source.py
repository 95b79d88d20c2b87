"""A file of metrics that is wrong is refused at the start, with file, line and key."""

from importlib import resources

import pytest

from mcp_warehouse.semantic.source import LayerError, read

GOOD = """\
tables:
  orders:
    table: sales.orders
    grain: order
    key: [order_id]
    columns: [order_id, account_id, region, order_date, revenue]
  lines:
    table: sales.order_lines
    grain: line
    key: [order_id, line_number]
    columns: [order_id, line_number, receipt_date, late]
joins:
  order: {from: lines, to: orders, by: {order_id: order_id}}
dimensions:
  region: {column: region}
  account: {id: account_id, column: account_id}
  month: {each: month}
conditions:
  late: {column: late, is: true}
measures:
  revenue: {of: orders, sum: revenue}
  orders: {of: orders, count: rows}
  value: {of: orders, ratio: [revenue, orders]}
metrics:
  revenue:
    definition: What was sold, by day of order.
    unit: money
    measure: revenue
    basis: orders
    day: order_date
    breakdowns: [total, region, month]
"""


def test_a_file_that_is_right_is_read() -> None:
    layer = read(GOOD, "metrics.yaml")
    assert layer.metrics["revenue"].breakdowns == ["total", "region", "month"]
    assert layer.table_of(layer.metrics["revenue"]) == "orders"


def test_the_file_of_the_server_is_right() -> None:
    text = (resources.files("mcp_warehouse") / "metrics.yaml").read_text()
    assert len(read(text, "metrics.yaml").metrics) >= 8


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("unit: money", "unit: euro", "line 27: metrics.revenue.unit: Input should be 'money'"),
        ("measure: revenue\n", "measure: revenu\n", "line 28: metrics.revenue.measure: no measure 'revenu'; did you mean 'revenue'?"),
        ("sum: revenue", "sum: revenues", "line 21: measures.revenue.sum: no column of orders 'revenues'; did you mean 'revenue'?"),
        ("day: order_date\n", "day: ordered\n", "line 30: metrics.revenue.day: no column of orders 'ordered'"),
        ("[total, region, month]", "[total, nation]", "line 31: metrics.revenue.breakdowns.1: no dimension 'nation'"),
        ("unit: money", "units: money", "line 27: metrics.revenue.units: unknown key"),
        ("    unit: money\n", "", "line 25: metrics.revenue.unit: is missing"),
        ("table: sales.orders", "table: sales.orders; DROP", "line 3: tables.orders.table: must be a plain name"),
        ("table: sales.orders", "table: Sales.Orders", "line 3: tables.orders.table: must be a plain name"),
        ("column: region", 'column: region"--', "line 15: dimensions.region.column: must be a plain name"),
        ("column: region}", "column: shop.region}", "line 31: metrics.revenue.breakdowns.1: no join of orders 'shop'"),
        ("by: {order_id: order_id}", "by: {order_id: account_id}", "line 13: joins.order.by: must lead to the whole key of orders, order_id"),
        ("sum: revenue}", "sum: revenue, count: rows}", "line 21: measures.revenue: one of `count`"),
        ("is: true", "is: true, at_most: 3", "line 19: conditions.late: one of `is`"),
        ("basis: orders", "basis: revenue", "line 29: metrics.revenue.basis: must be a `count` or `distinct`"),
        ("  orders: {of: orders, count: rows}", "  orders: {of: lines, count: rows}", "line 23: measures.value.ratio.1: must be of orders"),
        ("breakdowns: [total", "where: [late]\n    breakdowns: [total", "line 31: metrics.revenue.where.0: does not fit orders: no column of orders 'late'"),
        ("breakdowns: [total", "first: largest\n    breakdowns: [total", "line 31: metrics.revenue.first: `largest` needs `among`"),
        ("breakdowns: [total", "among: {largest: region, by: revenue, day: order_date}\n    breakdowns: [total", "metrics.revenue.among.largest: no dimension with an id 'region'"),
        ("conditions:\n", "filters: [nation]\nconditions:\n", "line 18: filters.0: no dimension 'nation'"),
        ("  orders: {of: orders, count: rows}", "  revenue: {of: orders, count: rows}", "line 22: measures.revenue: stands twice"),
        ("metrics:\n", "metrics: [\n", "not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_and_key(was: str, becomes: str, said: str) -> None:
    assert was in GOOD
    with pytest.raises(LayerError) as told:
        read(GOOD.replace(was, becomes, 1), "metrics.yaml")
    assert any(
        line.startswith("metrics.yaml, line ") and said in line for line in told.value.lines
    ), told.value


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = GOOD.replace("sum: revenue", "sum: x").replace("day: order_date", "day: y")
    with pytest.raises(LayerError) as told:
        read(wrong, "metrics.yaml")
    assert len(told.value.lines) == 2


@pytest.mark.parametrize("text", ["", "[]", "metrics: {}", "a"])
def test_a_file_that_is_something_else_is_refused(text: str) -> None:
    with pytest.raises(LayerError):
        read(text, "metrics.yaml")
