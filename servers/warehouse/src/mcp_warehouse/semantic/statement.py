"""A question becomes SQL with numbered parameters, in words that PostgreSQL and DuckDB share. Pure.

Names of tables and columns come from the layer, checked when it was read, and are quoted. Every
value is a parameter: a caller's, and the layer's own. The text depends on which metric, breakdown
and filters were chosen, never on what they were set to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mcp_warehouse.periods import Span
from mcp_warehouse.semantic.model import Dimension, Layer, Measure, Metric, Value
from mcp_warehouse.semantic.question import Question

YEAR_DAYS = 365  # of the twelve months up to as_of
_FACTS = "facts"
_ORDERS = {
    "most": "value DESC NULLS LAST",
    "least": "value NULLS LAST",
    "largest": "size DESC NULLS LAST",
    "greatest_loss": "value - previous",
}
_AGGREGATES = {"sum": "sum", "average": "avg", "smallest": "min", "greatest": "max"}


@dataclass(frozen=True, slots=True)
class Statement:
    """Columns of the answer: id, label, value, previous, basis, size."""

    text: str
    parameters: tuple[Value, ...]


class _Parameters:
    """Numbers the values, and gives each the type it has here."""

    def __init__(self) -> None:
        self.values: list[Value] = []

    def add(self, value: Value) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{_type(value)}"


def _type(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "bigint"
        case float():
            return "double precision"
        case date():
            return "date"
        case _:
            return "text"


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one table, as the source of an aggregate; `alias` is how it is called."""

    layer: Layer
    table: str
    alias: str
    add: _Parameters

    def column(self, name: str) -> str:
        join, _, column = name.rpartition(".")
        alias = f"{self.alias}_{join}" if join else self.alias
        return f'"{alias}"."{column}"'

    def source(self, columns: list[str]) -> str:
        """FROM, with a join for each that one of these columns lies behind."""
        text = f'{_table(self.layer, self.table)} AS "{self.alias}"'
        for name in sorted({column.rpartition(".")[0] for column in columns} - {""}):
            join = self.layer.joins[name]
            met = " AND ".join(
                f"{self.column(f'{name}.{there}')} = {self.column(here)}"
                for here, there in join.by.items()
            )
            text += f' JOIN {_table(self.layer, join.to)} AS "{self.alias}_{name}" ON {met}'
        return text

    def within(self, day: str, span: Span) -> str:
        first, last = self.add.add(span.first), self.add.add(span.last)
        return f"{self.column(day)} BETWEEN {first} AND {last}"

    def is_so(self, name: str) -> str:
        condition = self.layer.conditions[name]
        return "({})".format(
            " OR ".join(
                f"{self.column(condition.column)} {operator} {self.add.add(value)}"
                for operator, value in condition.comparisons
            )
        )

    def chosen(self, filters: Mapping[str, str]) -> list[str]:
        return [
            f"{self.column(self.layer.dimensions[name].column or '')} = {self.add.add(value)}"
            for name, value in sorted(filters.items())
        ]

    def measured(self, measure: Measure, span: str) -> str:
        """The aggregate over the rows of this span."""
        if measure.ratio:
            first, second = (
                self.measured(self.layer.measures[name], span) for name in measure.ratio
            )
            return f"{first} * 1.0 / nullif({second}, 0)"
        rows = " AND ".join([span, *map(self.is_so, measure.where)])
        only = f"FILTER (WHERE {rows})"
        if measure.share:
            return f"100.0 * avg(({self.is_so(measure.share)})::integer) {only}"
        if measure.column is None:
            return f"count(*) {only}"
        way, name = measure.column
        if way == "distinct":
            return f"count(DISTINCT {self.column(name)}) {only}"
        made = f"{_AGGREGATES[way]}({self.column(name)}) {only}"
        return f"coalesce({made}, 0)" if way == "sum" else made


def compiled(question: Question) -> Statement:
    """The statement that answers this question; at most `limit` rows after `offset`."""
    layer, metric = question.layer, question.metric
    parameters = _Parameters()
    rows = _Rows(layer, layer.table_of(metric), _FACTS, parameters)
    dimension = layer.dimensions.get(question.group)
    steps = dimension is not None and dimension.each is not None
    names = _names(layer, dimension)
    this = rows.within(metric.day, question.this)
    before = rows.within(metric.day, question.before) if question.before else None
    measure, basis = layer.measures[metric.measure], layer.measures[metric.basis]
    identity, label = _breakdown(rows, metric, dimension, named=names is None)
    value, counted = rows.measured(measure, this), rows.measured(basis, this)
    previous = rows.measured(measure, before) if before else "NULL::numeric"
    among, size = _among(question, parameters) if metric.among else ("", "NULL::numeric")
    where = [*map(rows.is_so, metric.where), *rows.chosen(question.filters)]
    if not metric.among:  # those among the largest count with no row in either span, too
        where.append(f"({this} OR {before})" if before and not steps else this)
    read = [*_read(layer, [measure, basis], metric.where), *_filtered(question)]
    if dimension and dimension.column and names is None:
        read.append(dimension.column)
    text = (
        f"SELECT id, {'name' if names else 'label'} AS label, value, previous, basis, size"  # noqa: S608  names of the layer
        f" FROM (SELECT {identity} AS id, {label} AS label, {value} AS value,"
        f" {previous} AS previous, {counted} AS basis, {size} AS size"
        f" FROM {rows.source(read)}{among} WHERE {' AND '.join(where) or 'true'}"
        f" GROUP BY 1, 2) AS measured{names or ''}"
        f" WHERE basis >= {parameters.add(metric.least_basis)}"
        f"{' AND value < previous' if metric.only else ''}"
        f" ORDER BY {'label' if steps else _ORDERS[metric.first]}, id NULLS LAST, label"
        f" LIMIT {parameters.add(question.limit)} OFFSET {parameters.add(question.offset)}"
    )
    return Statement(text, tuple(parameters.values))


def _table(layer: Layer, name: str) -> str:
    return ".".join(f'"{part}"' for part in layer.tables[name].table.split("."))


def _breakdown(
    rows: _Rows, metric: Metric, dimension: Dimension | None, *, named: bool
) -> tuple[str, str]:
    """What identifies a row of the answer, and how it is called."""
    if dimension is None:
        return "NULL::integer", "'total'::text"
    if dimension.each:
        day = rows.column(metric.day)
        return "NULL::integer", f"date_trunc('{dimension.each}', {day}::timestamp)::date"
    label = f"{rows.column(dimension.column or '')}::text" if named else "NULL::text"
    return rows.column(dimension.id) if dimension.id else "NULL::integer", label


def _names(layer: Layer, dimension: Dimension | None) -> str | None:
    """A join for names alone waits until the rows are counted: some names instead of all."""
    if dimension is None or dimension.id is None:
        return None
    name, _, column = (dimension.column or "").rpartition(".")
    join = layer.joins.get(name)
    if join is None or list(join.by) != [dimension.id]:
        return None
    return (
        f' LEFT JOIN (SELECT "{join.by[dimension.id]}" AS named, "{column}"::text AS name'  # noqa: S608  names of the layer
        f" FROM {_table(layer, join.to)}) AS names ON named = id"
    )


def _among(question: Question, parameters: _Parameters) -> tuple[str, str]:
    """A join with the largest members of a dimension, and each one's size."""
    layer, among = question.layer, question.metric.among
    if among is None:
        raise TypeError("this metric is about all, not about the largest")
    measure, member = layer.measures[among.by], layer.dimensions[among.largest].id or ""
    rows = _Rows(layer, measure.of, "years", parameters)
    within = rows.within(among.day, Span.of_days(question.as_of, YEAR_DAYS))
    where = [within, *rows.chosen(question.filters)]
    most = among.most or question.offset + question.limit
    source = rows.source([*_read(layer, [measure], []), *_filtered(question)])
    return (
        f" JOIN (SELECT {rows.column(member)} AS member,"  # noqa: S608  names of the layer
        f" {rows.measured(measure, 'true')} AS size FROM {source}"
        f" WHERE {' AND '.join(where)} GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1"
        f' LIMIT {parameters.add(most)}) AS largest ON member = "{_FACTS}"."{member}"'
    ), "max(size)"


def _read(layer: Layer, measures: list[Measure], conditions: list[str]) -> list[str]:
    """The columns these are made of, for the joins they need."""
    every = [*measures, *(layer.measures[name] for one in measures for name in one.ratio or ())]
    columns = [one.column[1] for one in every if one.column]
    named = [*conditions, *(name for one in every for name in one.where)]
    named += [one.share for one in every if one.share]
    return columns + [layer.conditions[name].column for name in named]


def _filtered(question: Question) -> list[str]:
    return [question.layer.dimensions[name].column or "" for name in question.filters]
