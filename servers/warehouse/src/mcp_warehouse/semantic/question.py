"""One metric, fully specified: what the tool asks of a warehouse. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from mcp_warehouse.periods import Span
from mcp_warehouse.semantic.model import Layer, Metric


@dataclass(frozen=True, slots=True)
class Question:
    """`name`, `group` and the keys of `filters` are names in the layer; the rest is values."""

    layer: Layer
    name: str
    group: str
    this: Span
    before: Span | None
    as_of: date
    limit: int
    offset: int = 0
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def metric(self) -> Metric:
        return self.layer.metrics[self.name]


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the answer."""

    id: int | None
    label: str
    value: float | None
    previous: float | None
    basis: int
    size: float | None


def measured(
    question: Question, identity: int | None, label: Any, value: Any, previous: Any, basis: int,
    size: Any,
) -> Measured:  # fmt: skip
    """One row as an engine gives it."""
    compared = question.before is not None
    return Measured(
        identity, _label(question, label), _number(value), _number(previous) if compared else None,
        basis, _number(size),
    )  # fmt: skip


def _label(question: Question, label: Any) -> str:
    dimension = question.layer.dimensions.get(question.group)
    if not isinstance(label, date) or dimension is None:
        return label or "(none)"
    match dimension.each:
        case "year":
            return f"{label:%Y}"
        case "quarter":
            return f"{label:%Y}-Q{(label.month + 2) // 3}"
        case _:
            return f"{label:%Y-%m}"


def _number(value: Any) -> float | None:
    return None if value is None else round(float(value), 2)
