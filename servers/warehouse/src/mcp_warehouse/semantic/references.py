"""Whether every name in a layer stands for something that fits where it stands. Pure."""

import difflib
from collections.abc import Iterable, Iterator

from mcp_warehouse.semantic.model import TOTAL, Dimension, Layer, Measure, Metric

Path = tuple[str | int, ...]
Problem = tuple[Path, str]


def problems(layer: Layer) -> list[Problem]:
    """Every wrong name, by its path in the file."""
    return [
        *_tables(layer),
        *_joins(layer),
        *_dimensions(layer),
        *_measures(layer),
        *(one for name in layer.metrics for one in _metric(layer, name)),
    ]


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"no {kind} {name!r}; " + (f"did you mean {near[0]!r}?" if near else ", ".join(names))


def _column(layer: Layer, table: str, name: str, path: Path) -> Iterator[Problem]:
    """A column of this table, or of one that a join of this table leads to."""
    join, _, column = name.rpartition(".")
    if join:
        found = layer.joins.get(join)
        if found is None or found.origin != table:
            own = [key for key, one in layer.joins.items() if one.origin == table]
            yield path, unknown(f"join of {table}", join, own)
            return
        table = found.to
    if table in layer.tables and column not in layer.tables[table].columns:
        yield path, unknown(f"column of {table}", column, layer.tables[table].columns)


def _tables(layer: Layer) -> Iterator[Problem]:
    for name, table in layer.tables.items():
        for place, column in enumerate(table.key):
            yield from _column(layer, name, column, ("tables", name, "key", place))


def _joins(layer: Layer) -> Iterator[Problem]:
    for name, join in layer.joins.items():
        path: Path = ("joins", name)
        ends = (("from", join.origin), ("to", join.to))
        missing = [(key, table) for key, table in ends if table not in layer.tables]
        for key, table in missing:
            yield (*path, key), unknown("table", table, layer.tables)
        if missing:
            continue
        for column in join.by:
            yield from _column(layer, join.origin, column, (*path, "by", column))
        whole = layer.tables[join.to].key
        if sorted(join.by.values()) != sorted(whole):
            said = f"must lead to the whole key of {join.to}, {', '.join(whole)}"
            yield (*path, "by"), f"{said}: else rows would be counted twice"


def _dimensions(layer: Layer) -> Iterator[Problem]:
    if TOTAL in layer.dimensions:
        yield ("dimensions", TOTAL), "is there already"
    for place, name in enumerate(layer.filters):
        dimension = layer.dimensions.get(name)
        if dimension is None:
            yield ("filters", place), unknown("dimension", name, layer.dimensions)
        elif dimension.column is None:
            yield ("filters", place), "a step of time is no filter; the period is"


def _conditions(layer: Layer, table: str, names: Iterable[str], path: Path) -> Iterator[Problem]:
    for place, name in enumerate(names):
        if name not in layer.conditions:
            yield (*path, place), unknown("condition", name, layer.conditions)
            continue
        for _, said in _column(layer, table, layer.conditions[name].column, ()):
            yield (*path, place), f"does not fit {table}: {said}"


def _measures(layer: Layer) -> Iterator[Problem]:
    for name, measure in layer.measures.items():
        path: Path = ("measures", name)
        if measure.of not in layer.tables:
            yield (*path, "of"), unknown("table", measure.of, layer.tables)
            continue
        yield from _conditions(layer, measure.of, measure.where, (*path, "where"))
        if measure.column:
            way, column = measure.column
            yield from _column(layer, measure.of, column, (*path, way))
        if measure.share:
            for _, said in _conditions(layer, measure.of, [measure.share], ()):
                yield (*path, "share"), said
        yield from _ratio(layer, measure, path)


def _ratio(layer: Layer, measure: Measure, path: Path) -> Iterator[Problem]:
    for place, part in enumerate(measure.ratio or ()):
        other = layer.measures.get(part)
        if other is None:
            yield (*path, "ratio", place), unknown("measure", part, layer.measures)
        elif other.ratio or other.of != measure.of:
            yield (*path, "ratio", place), f"must be of {measure.of}, and no ratio itself"


def _metric(layer: Layer, name: str) -> Iterator[Problem]:
    metric, path = layer.metrics[name], ("metrics", name)
    missing = [key for key in ("measure", "basis") if getattr(metric, key) not in layer.measures]
    for key in missing:
        yield (*path, key), unknown("measure", getattr(metric, key), layer.measures)
    if missing:
        return
    table = layer.table_of(metric)
    if table not in layer.tables:
        return  # said where the measure is
    basis = layer.measures[metric.basis]
    if basis.of != table or not (basis.count or basis.distinct):
        yield (*path, "basis"), f"must be a `count` or `distinct` of {table}, as the measure is"
    yield from _column(layer, table, metric.day, (*path, "day"))
    yield from _conditions(layer, table, metric.where, (*path, "where"))
    for place, group in enumerate(metric.breakdowns):
        yield from _breakdown(layer, table, group, (*path, "breakdowns", place))
    for group in layer.filters:
        for _, said in _breakdown(layer, table, group, ()):
            yield path, f"cannot be filtered by {group}: {said}"
    yield from _among(layer, metric, table, path)


def _breakdown(layer: Layer, table: str, group: str, path: Path) -> Iterator[Problem]:
    if group == TOTAL:
        return
    dimension = layer.dimensions.get(group)
    if dimension is None:
        yield path, unknown("dimension", group, [TOTAL, *layer.dimensions])
        return
    for column in _columns(dimension):
        yield from _column(layer, table, column, path)


def _columns(dimension: Dimension) -> list[str]:
    return [column for column in (dimension.id, dimension.column) if column]


def _among(layer: Layer, metric: Metric, table: str, path: Path) -> Iterator[Problem]:
    among = metric.among
    if among is None:
        if metric.first == "largest":
            yield (*path, "first"), "`largest` needs `among`, which says in what"
        return
    where = (*path, "among")
    dimension = layer.dimensions.get(among.largest)
    if dimension is None or dimension.id is None:
        having = [name for name, one in layer.dimensions.items() if one.id]
        yield (*where, "largest"), unknown("dimension with an id", among.largest, having)
        return
    if metric.breakdowns != [among.largest]:
        yield (*path, "breakdowns"), f"must be [{among.largest}], as `among` says"
    measure = layer.measures.get(among.by)
    if measure is None:
        yield (*where, "by"), unknown("measure", among.by, layer.measures)
        return
    yield from _column(layer, table, dimension.id, (*where, "largest"))
    yield from _column(layer, measure.of, dimension.id, (*where, "by"))
    yield from _column(layer, measure.of, among.day, (*where, "day"))
    for group in layer.filters:
        for _, said in _breakdown(layer, measure.of, group, ()):
            yield (*where, "by"), f"cannot be filtered by {group}: {said}"
