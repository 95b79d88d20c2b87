"""The curated figures counted again in plain Python, from rows read without the semantic layer."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from mcp_warehouse.periods import Span

Row = dict[str, Any]
Key = tuple[int | None, str]


@dataclass(frozen=True)
class Figure:
    value: float | None
    previous: float | None
    basis: int
    size: float | None


@dataclass(frozen=True)
class Sales:
    as_of: date
    orders: list[Row]
    lines: list[Row]
    suppliers: dict[int, str]


async def sales(url: str) -> Sales:
    db = await asyncpg.connect(url)
    try:
        return Sales(
            await db.fetchval("SELECT as_of FROM sales.as_of"),
            [dict(row) for row in await db.fetch("SELECT * FROM sales.orders")],
            [dict(row) for row in await db.fetch("SELECT * FROM sales.order_lines")],
            {row[0]: row[1] for row in await db.fetch("SELECT supplier_id, supplier_name FROM sales.suppliers")},
        )  # fmt: skip
    finally:
        await db.close()


def _revenue(rows: list[Row]) -> Decimal:
    return sum((row["revenue"] for row in rows), Decimal(0))


def _mean_revenue(rows: list[Row]) -> Decimal | None:
    return _revenue(rows) / len(rows) if rows else None


def _percent(rows: list[Row], late: bool) -> float | None:
    return 100 * sum(row["late"] is late for row in rows) / len(rows) if rows else None


COUNTED: dict[str, Callable[[list[Row]], Any]] = {
    "revenue": _revenue,
    "orders": len,
    "average_order_value": _mean_revenue,
    "accounts_by_revenue": _revenue,
    "accounts_losing_revenue": _revenue,
    "order_status": len,
    "supplier_performance": lambda rows: _percent(rows, late=False),
    "late_shipments": lambda rows: _percent(rows, late=True),
}
LINES = {"supplier_performance", "late_shipments"}


def _key(group: str, row: Row, day: date, suppliers: dict[int, str]) -> Key:
    match group:
        case "total":
            return None, "total"
        case "month":
            return None, f"{day.year}-{day.month:02}"
        case "status":
            return None, row["order_status"]
        case "account":
            return row["account_id"], row["account_name"]
        case "supplier":
            return row["supplier_id"], suppliers[row["supplier_id"]]
        case _:
            return None, row[group]


def figures(
    sales: Sales,
    metric: str,
    group: str,
    this: Span,
    before: Span | None,
    filters: dict[str, str],
    regions: Iterable[str],
) -> dict[Key, Figure]:
    """Every row of the answer, in no order and without a limit."""
    seen = set(regions)
    day = "receipt_date" if metric in LINES else "order_date"
    source = [
        row
        for row in (sales.lines if metric in LINES else sales.orders)
        if row["region"] in seen
        and all(row[name] == value for name, value in filters.items())
        and (metric not in LINES or row["line_status"] == "received")
    ]
    sizes = _largest(sales, source, 100 if metric == "accounts_losing_revenue" else None)
    now: dict[Key, list[Row]] = defaultdict(list)
    then: dict[Key, list[Row]] = defaultdict(list)
    for row in source:
        if group == "account" and row["account_id"] not in sizes:
            continue
        key = _key(group, row, row[day], sales.suppliers)
        if group == "account":
            now[key] += []
        if this.first <= row[day] <= this.last:
            now[key].append(row)
        elif before and before.first <= row[day] <= before.last and group != "month":
            now[key] += []
            then[key].append(row)
    count = COUNTED[metric]
    found = {
        key: Figure(
            _rounded(count(rows)),
            _rounded(count(then[key])) if before else None,
            len(rows),
            _rounded(sizes[key[0]]) if group == "account" and key[0] is not None else None,
        )
        for key, rows in now.items()
    }
    if metric == "supplier_performance":
        found = {key: one for key, one in found.items() if one.basis >= 5}
    if metric == "accounts_losing_revenue":
        found = {k: one for k, one in found.items() if (one.value or 0) < (one.previous or 0)}
    return found


def _largest(sales: Sales, orders: list[Row], most: int | None) -> dict[int, Decimal]:
    since = sales.as_of - timedelta(days=365)
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for row in orders:
        if "account_name" in row and row["order_date"] > since:
            sums[row["account_id"]] += row["revenue"]
    ranked = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    return dict(ranked[:most])


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 2)
