"""The curated figures."""

import difflib
from datetime import date
from typing import Annotated, Any, Literal

from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_shared.cursors import Cursors
from mcp_shared.faults import Invalid, NotFound
from mcp_shared.fields import Cursor, PageSize
from mcp_shared.identity import caller
from mcp_warehouse.access import TheCursors, TheWarehouse, callers_regions
from mcp_warehouse.metrics import LAYER, Group, Name
from mcp_warehouse.models import Days, MetricAnswer, MetricRow
from mcp_warehouse.periods import Period, Span, spans
from mcp_warehouse.rights import Region
from mcp_warehouse.semantic.model import Metric
from mcp_warehouse.semantic.question import Measured, Question
from mcp_warehouse.warehouse import Warehouse

TOOL = "get_metric"
TITLE = "Get a metric"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
FEW_DAYS = 30  # a period to date that is shorter says little about accounts that order monthly

WhichMetric = Annotated[
    Name,
    Field(
        description="The figure. accounts_losing_revenue finds large accounts whose revenue fell, "
        "greatest loss first; accounts_by_revenue lists the largest accounts."
    ),
]
WhichPeriod = Annotated[
    Period,
    Field(
        description="Days to count, last_90_days unless given; `this_...` ends at as_of, so it may "
        "still be short."
    ),
]
Compare = Annotated[
    Literal["nothing", "previous_period"],
    Field(
        description="`previous_period` adds the same figure for the span before, as long; "
        "nothing unless given. accounts_losing_revenue always compares."
    ),
]
GroupBy = Annotated[
    Group | None,
    Field(description="Breakdown of the rows; left out, the metric's own. Not every one fits all."),
]
OfRegion = Annotated[
    Region | None, Field(description="Only accounts of this region, such as EUROPE.")
]
OfNation = Annotated[
    str | None,
    Field(min_length=2, max_length=40, description="Only accounts of this nation, such as FRANCE."),
]
OfSegment = Annotated[
    Literal["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"] | None,
    Field(description="Only accounts of this market segment, such as BUILDING."),
]
After = Annotated[
    Cursor | None,
    Field(description="`next_cursor` of an earlier answer, with the same other arguments."),
]


async def get_metric(
    metric: WhichMetric,
    warehouse: TheWarehouse,
    cursors: TheCursors,
    period: WhichPeriod = "last_90_days",
    compare_with: Compare = "nothing",
    group_by: GroupBy = None,
    region: OfRegion = None,
    nation: OfNation = None,
    segment: OfSegment = None,
    limit: PageSize = 10,
    cursor: After = None,
) -> MetricAnswer:
    """Get an agreed business figure for a period, with breakdown, filter and comparison.

    Use when: someone asks for revenue, orders, order value, order status, late deliveries,
    supplier reliability, the largest accounts, or which accounts lost revenue.
    Not for: questions no metric covers (run_sql), or what tables hold (describe_table).
    Returns: `rows` with `value` in `unit`, and `previous`, `change` and `change_percent` when
    compared; `definition` and `period` say exactly what was counted, `as_of` up to which day,
    `regions` for whom, `note` what to mind. At most `limit` rows (10 unless given); `more` and
    `next_cursor` lead to the next page. No rows means no orders in that selection.
    Fails: Invalid when the breakdown does not fit the metric; NotFound for an unknown nation;
    Denied for a region that is not yours; Unavailable when the warehouse does not answer.
    """
    regions = callers_regions()
    regions.narrowed(region)
    chosen = LAYER.metrics[metric]
    group = _group(metric, chosen, group_by)
    compare = compare_with == "previous_period" or chosen.compares
    if compare and group == "month":
        raise Invalid(
            "Months cannot be compared with the period before.",
            instead="Group by month over a longer period, or compare without months.",
        )
    named = await _nation(warehouse, nation) if nation else None
    filters = {"region": region, "nation": named, "segment": segment}
    as_of = await warehouse.as_of()
    asked = [metric, period, compare, group, filters, limit, regions.setting]
    offset = _start(cursors, asked, as_of, cursor) if cursor else 0
    this, before = spans(period, as_of)
    question = Question(
        layer=LAYER,
        name=metric,
        group=group,
        this=this,
        before=before if compare else None,
        as_of=as_of,
        limit=limit + 1,
        offset=offset,
        filters={name: value for name, value in filters.items() if value is not None},
    )
    found = await warehouse.measure(question, regions)
    more = len(found) > limit
    place = [offset + limit, as_of.isoformat()]
    return MetricAnswer(
        metric=metric,
        definition=chosen.definition,
        unit=chosen.unit,
        group_by=group,
        as_of=as_of,
        period=_days(this),
        compared_with=_days(before) if compare else None,
        regions=[region] if region else list(regions.names),
        rows=[_row(one) for one in found[:limit]],
        more=more,
        next_cursor=cursors.seal(caller().subject, TOOL, asked, place) if more else None,
        note=_note(this, compare=compare),
    )


def _start(cursors: Cursors, asked: list[Any], as_of: date, cursor: str) -> int:
    """How many rows were given before; a page of other data would not continue them."""
    offset, of = cursors.open(caller().subject, TOOL, asked, cursor)
    if of != as_of.isoformat():
        raise Invalid(
            "The data has been renewed since this list began.",
            instead="Leave the cursor out to start the list anew.",
        )
    start: int = offset
    return start


def _group(name: Name, metric: Metric, wanted: Group | None) -> Group:
    if wanted is None:
        return metric.breakdowns[0]
    if wanted not in metric.breakdowns:
        raise Invalid(
            f"{name} cannot be grouped by {wanted}.",
            instead=f"It can be grouped by {', '.join(metric.breakdowns)}.",
        )
    return wanted


async def _nation(warehouse: Warehouse, wanted: str) -> str:
    known = await warehouse.nations()
    name = " ".join(wanted.upper().split())
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3) or known
        raise NotFound(
            "No account is in a nation of that name.", instead=f"Perhaps {', '.join(near)}?"
        )
    return name


def _days(span: Span) -> Days:
    return Days(first=span.first, last=span.last, days=span.days)


def _row(one: Measured) -> MetricRow:
    change = percent = None
    if one.value is not None and one.previous is not None:
        change = round(one.value - one.previous, 2)
        percent = round(100 * change / one.previous, 1) if one.previous else None
    return MetricRow(
        label=one.label,
        id=one.id,
        value=one.value,
        previous=one.previous,
        change=change,
        change_percent=percent,
        basis=one.basis,
        last_12_months=one.size,
    )


def _note(span: Span, *, compare: bool) -> str | None:
    if compare and span.days < FEW_DAYS:
        return (
            f"The period has {span.days} days so far; last_90_days compares two full spans "
            "and is the safer reading."
        )
    return None
