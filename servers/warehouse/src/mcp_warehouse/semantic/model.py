"""What a file of metrics may say, by its shape alone; `references` checks the names in it. Pure."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

TOTAL = "total"

_NAME = "[a-z][a-z0-9_]{0,62}"
# the only texts that become SQL: plain lower-case names, always quoted
Name = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
TableName = Annotated[str, StringConstraints(pattern=rf"^{_NAME}(\.{_NAME})?$")]
ColumnName = Annotated[str, StringConstraints(pattern=rf"^({_NAME}\.)?{_NAME}$")]
Value = bool | int | float | date | str
Unit = Literal["money", "count", "percent"]
Step = Literal["month", "quarter", "year"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Table(Part):
    table: TableName
    grain: str
    key: Annotated[list[Name], Field(min_length=1)]
    columns: Annotated[list[Name], Field(min_length=1)]


class Join(Part):
    """From a row of `origin` to the one row of `to` that has these values as its key."""

    origin: Name = Field(alias="from")
    to: Name
    by: Annotated[dict[Name, Name], Field(min_length=1)]


class Dimension(Part):
    """A breakdown: by a column, with the id it stands for if it has one, or by a step of time."""

    column: ColumnName | None = None
    id: Name | None = None
    each: Step | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.column is None) == (self.each is None):
            raise ValueError("either `column` or `each`")
        if self.each and self.id:
            raise ValueError("a step of time has no `id`")
        return self


class Condition(Part):
    """What a row has to be; exactly one comparison."""

    column: ColumnName
    equals: Value | None = Field(default=None, alias="is")
    differs: Value | None = Field(default=None, alias="is_not")
    at_least: Value | None = None
    at_most: Value | None = None
    one_of: Annotated[list[Value], Field(min_length=1, max_length=100)] | None = None

    @property
    def comparisons(self) -> list[tuple[str, Value]]:
        """Operator and value, one for each alternative."""
        if self.one_of is not None:
            return [("=", value) for value in self.one_of]
        given = (
            ("=", self.equals), ("<>", self.differs), (">=", self.at_least), ("<=", self.at_most),
        )  # fmt: skip
        return [(operator, value) for operator, value in given if value is not None]

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        given = (self.equals, self.differs, self.at_least, self.at_most, self.one_of)
        if sum(value is not None for value in given) != 1:
            raise ValueError("one of `is`, `is_not`, `at_least`, `at_most`, `one_of`")
        return self


class Measure(Part):
    """A number made from many rows of one table; exactly one way of making it."""

    of: Name
    count: Literal["rows"] | None = None
    distinct: ColumnName | None = None
    sum: ColumnName | None = None
    average: ColumnName | None = None
    smallest: ColumnName | None = None
    greatest: ColumnName | None = None
    share: Name | None = None  # of a condition, in percent of the rows
    # the first of these two measures divided by the second
    ratio: Annotated[list[Name], Field(min_length=2, max_length=2)] | None = None
    where: list[Name] = []

    @property
    def column(self) -> tuple[str, str] | None:
        """Which way, of which column, where it is made of one."""
        ways = ("distinct", "sum", "average", "smallest", "greatest")
        given = [(way, name) for way in ways if (name := getattr(self, way)) is not None]
        return given[0] if len(given) == 1 else None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = (
            self.count, self.distinct, self.sum, self.average, self.smallest, self.greatest,
            self.share, self.ratio,
        )  # fmt: skip
        if sum(one is not None for one in given) != 1:
            raise ValueError(
                "one of `count`, `distinct`, `sum`, `average`, `smallest`, `greatest`, `share`, "
                "`ratio`"
            )
        if self.ratio and self.where:
            raise ValueError("a ratio has no `where`; its measures may")
        return self


class Among(Part):
    """The members of a dimension that were largest in the twelve months up to as_of.

    Without `most`, as many as are asked for.
    """

    largest: Name
    by: Name
    day: Name
    most: Annotated[int, Field(ge=1, le=10_000)] | None = None


class Metric(Part):
    """One curated figure; `breakdowns` has the default one first."""

    definition: Annotated[str, Field(min_length=10, max_length=400)]
    unit: Unit
    measure: Name
    basis: Name
    day: Name
    breakdowns: Annotated[list[Name], Field(min_length=1)]
    where: list[Name] = []
    among: Among | None = None
    first: Literal["most", "least", "largest", "greatest_loss"] = "most"
    only: Literal["falling"] | None = None
    least_basis: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    @property
    def compares(self) -> bool:
        """Whether it says nothing without the period before."""
        return self.only is not None or self.first == "greatest_loss"


class Layer(Part):
    tables: dict[Name, Table]
    joins: dict[Name, Join] = {}
    dimensions: dict[Name, Dimension]
    filters: list[Name] = []
    conditions: dict[Name, Condition] = {}
    measures: dict[Name, Measure]
    metrics: Annotated[dict[Name, Metric], Field(min_length=1)]

    def table_of(self, metric: Metric) -> str:
        """The name of the table whose rows this metric counts."""
        return self.measures[metric.measure].of
