"""The curated metrics: what each one counts, from which table, and how it may be broken down.

SQL in this file is written by us and fixed; what a person chooses picks entries or becomes a bound
parameter. Spans stand as `{span}`: the period, or the one before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Name = Literal[
    "revenue",
    "orders",
    "average_order_value",
    "accounts_by_revenue",
    "accounts_losing_revenue",
    "order_status",
    "supplier_performance",
    "late_shipments",
]
Group = Literal[
    "total", "region", "nation", "segment", "month", "status", "priority", "account", "supplier"
]

LARGEST = 100  # accounts looked at when asking who lost revenue
FEWEST_LINES = 5  # a supplier with fewer lines in the period is left out: chance, not performance


@dataclass(frozen=True, slots=True)
class Metric:
    """One curated figure; `groups` lists the breakdowns, the default one first."""

    definition: str
    unit: Literal["money", "count", "percent"]
    source: Literal["orders", "order_lines"]
    value: str
    basis: str
    groups: tuple[Group, ...]
    order: str = "value DESC NULLS LAST"
    least_basis: int = 0
    only_falling: bool = False


_PLACES: tuple[Group, ...] = ("total", "region", "nation", "segment", "month")
_COUNT = "count(*) FILTER (WHERE {span})"
_REVENUE = "coalesce(sum(revenue) FILTER (WHERE {span}), 0)"
_SHARE = "100.0 * avg({which}::integer) FILTER (WHERE {{span}})"
_LATE = _SHARE.format(which="late")
_ON_TIME = _SHARE.format(which="(NOT late)")

METRICS: Mapping[Name, Metric] = {
    "revenue": Metric(
        "Price after discount and before tax, by day of order; basis: orders.",
        "money", "orders", _REVENUE, _COUNT, (*_PLACES, "status"),
    ),
    "orders": Metric(
        "Number of orders, by day of order; basis: the same.",
        "count", "orders", _COUNT, _COUNT, (*_PLACES, "status", "priority"),
    ),
    "average_order_value": Metric(
        "Revenue per order, by day of order; basis: orders.",
        "money", "orders", "avg(revenue) FILTER (WHERE {span})", _COUNT, _PLACES,
    ),
    "accounts_by_revenue": Metric(
        "Revenue of the period for the largest accounts, largest first; an account's size is its "
        "revenue of the twelve months up to as_of; basis: orders.",
        "money", "orders", _REVENUE, _COUNT, ("account",), order="size DESC",
    ),
    "accounts_losing_revenue": Metric(
        f"Of the {LARGEST} largest accounts by revenue of the twelve months up to as_of, those "
        "with less revenue than in the period before, greatest loss first; basis: orders.",
        "money", "orders", _REVENUE, _COUNT, ("account",),
        order="value - previous", only_falling=True,
    ),
    "order_status": Metric(
        "Number of orders placed in the period by what has become of them; basis: the same.",
        "count", "orders", _COUNT, _COUNT, ("status",),
    ),
    "supplier_performance": Metric(
        "Share of order lines received in the period that came by the promised day, lowest first; "
        f"suppliers with fewer than {FEWEST_LINES} lines are left out; basis: lines received.",
        "percent", "order_lines", _ON_TIME, _COUNT, ("supplier",),
        order="value NULLS LAST", least_basis=FEWEST_LINES,
    ),
    "late_shipments": Metric(
        "Share of order lines received in the period that came after the promised day; basis: "
        "lines received.",
        "percent", "order_lines", _LATE, _COUNT, _PLACES,
    ),
}  # fmt: skip

# the breakdown as SQL: what identifies a row, and how it is called
_GROUPS: Mapping[Group, tuple[str, str]] = {
    "total": ("NULL::integer", "'total'::text"),
    "region": ("NULL::integer", "region"),
    "nation": ("NULL::integer", "nation"),
    "segment": ("NULL::integer", "segment"),
    "month": ("NULL::integer", "date_trunc('month', {day}::timestamp)"),
    "status": ("NULL::integer", "order_status"),
    "priority": ("NULL::integer", "priority"),
    "account": ("account_id", "account_name"),
    "supplier": ("supplier_id", "NULL::text"),
}
_DAY = {"orders": "order_date", "order_lines": "receipt_date"}
_ONLY = {"orders": "true", "order_lines": "line_status = 'received'"}

_LARGEST = (
    " JOIN (SELECT account_id AS big, sum(revenue) AS size FROM sales.orders AS years"
    " WHERE order_date > (SELECT as_of FROM sales.as_of) - 365 AND {chosen}"
    " GROUP BY account_id ORDER BY size DESC, account_id LIMIT {most}) AS largest"
    " ON big = account_id"
)
# names and months are written out for the few rows of the answer, not for each line counted
_SHOWN: Mapping[Group, str] = {
    "month": "to_char(label, 'YYYY-MM')",
    "supplier": "(SELECT supplier_name FROM sales.suppliers WHERE supplier_id = measured.id)",
}


def question(metric: Metric, group: Group) -> str:
    """The SQL of one metric, broken down.

    Parameters: $1 to $2 the period, $3 to $4 the one before, $5 region, $6 nation, $7 segment (each
    may be null), $8 the most rows.
    """
    day = _DAY[metric.source]
    this = f"{day} BETWEEN $1 AND $2"
    before = f"{day} BETWEEN $3::date AND $4::date"
    key, label = (part.format(day=day) for part in _GROUPS[group])
    chosen = (
        "($5::text IS NULL OR {t}.region = $5) AND ($6::text IS NULL OR {t}.nation = $6) "
        "AND ($7::text IS NULL OR {t}.segment = $7)"
    )
    source, size = f"sales.{metric.source} AS facts", "NULL::numeric"
    if group == "account":
        source += _LARGEST.format(
            chosen=chosen.format(t="years"), most=LARGEST if metric.only_falling else "$8"
        )
        size = "max(size)"
    within = {"account": "true", "month": this}.get(group, f"({this} OR {before})")
    return (
        f"SELECT id, {_SHOWN.get(group, 'label')} AS label, value, previous, basis, size FROM ("  # noqa: S608  constants
        f"SELECT {key} AS id, {label} AS label, {metric.value.format(span=this)} AS value,"
        f" {metric.value.format(span=before)} AS previous,"
        f" {metric.basis.format(span=this)} AS basis, {size} AS size"
        f" FROM {source}"
        f" WHERE {within} AND {_ONLY[metric.source]} AND {chosen.format(t='facts')}"
        " GROUP BY 1, 2) AS measured"
        f" WHERE basis >= {metric.least_basis}"
        + (" AND value < previous" if metric.only_falling else "")
        + f" ORDER BY {'measured.label' if group == 'month' else metric.order}, id, measured.label"
        " LIMIT $8"
    )
