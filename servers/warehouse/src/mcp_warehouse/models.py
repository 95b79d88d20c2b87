"""What the tools answer, each field described for the model that reads it."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field


class TableSummary(BaseModel):
    table: str = Field(description="Name to use in run_sql, with its schema.")
    kind: str = Field(description="`table`, or `view` for ready-made sums.")
    description: str = Field(description="What one row is.")


class TableList(BaseModel):
    tables: list[TableSummary] = Field(description="Tables and views, by name.")
    as_of: date = Field(description="The day the data is of; count periods back from it.")


class ColumnSummary(BaseModel):
    column: str = Field(description="Name of the column.")
    type: str = Field(description="PostgreSQL type.")
    description: str = Field(description="What it holds, with units and the values of small sets.")


class TableDescription(BaseModel):
    table: str = Field(description="Name to use in run_sql, with its schema.")
    kind: str = Field(description="`table`, or `view` for ready-made sums.")
    description: str = Field(description="What one row is.")
    columns: list[ColumnSummary] = Field(description="Columns in their order.")


class Days(BaseModel):
    first: date = Field(description="First day, included.")
    last: date = Field(description="Last day, included.")
    days: int = Field(description="Number of days.")


class MetricRow(BaseModel):
    label: str = Field(description="What the row is about: a region, month, account name, ...")
    id: int | None = Field(description="Account or supplier id, the same in the CRM; else null.")
    value: float | None = Field(description="The metric in the period; null without a basis.")
    previous: float | None = Field(description="The metric in the period before, if compared.")
    change: float | None = Field(description="`value` minus `previous`, in the same unit.")
    change_percent: float | None = Field(description="Change in percent of `previous`.")
    basis: int = Field(description="Number of orders or lines behind `value`.")
    last_12_months: float | None = Field(
        description="Accounts only: revenue of the twelve months up to as_of, their size."
    )


class MetricAnswer(BaseModel):
    metric: str = Field(description="The metric asked for.")
    definition: str = Field(description="What exactly is counted; quote it with the figure.")
    unit: str = Field(description="`money`, `count` or `percent`.")
    group_by: str = Field(description="The breakdown of the rows.")
    as_of: date = Field(description="The day the data is of.")
    period: Days = Field(description="Days counted in `value`.")
    compared_with: Days | None = Field(description="Days counted in `previous`, if compared.")
    regions: list[str] = Field(description="Regions of the accounts counted: your rights.")
    rows: list[MetricRow] = Field(description="The figures, at most `limit`.")
    more: bool = Field(description="Whether rows beyond `limit` were left out.")
    next_cursor: str | None = Field(description="Give this as `cursor` to get the next page.")
    note: str | None = Field(description="Something to keep in mind when reading the figures.")


class ResultColumn(BaseModel):
    column: str = Field(description="Name in the files.")
    type: str = Field(description="integer, number, boolean, date, timestamp or text.")


class ResultFiles(BaseModel):
    rows: int = Field(description="Rows in all parts together.")
    columns: list[ResultColumn] = Field(description="Columns of every part, in order.")
    csv: list[str] = Field(description="Resource addresses of the parts as CSV.")
    parquet: list[str] = Field(description="The same parts as Parquet.")
    kept_until: datetime = Field(description="From then on the addresses lead nowhere.")


class SqlAnswer(BaseModel):
    columns: list[str] = Field(description="Column names in order; two may be equal.")
    rows: list[list[Any]] = Field(description="One list of values per row, in column order.")
    truncated: bool = Field(description="Whether rows were left out at the row or size limit.")
    regions: list[str] = Field(description="Regions whose rows could be seen: your rights.")
    files: ResultFiles | None = Field(
        default=None, description="Where the whole result is, if files were asked for."
    )
