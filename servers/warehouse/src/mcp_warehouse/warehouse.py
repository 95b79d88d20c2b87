"""The port to the warehouse: what the tools ask of it, in their own words."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from mcp_warehouse.guard import Admitted
from mcp_warehouse.rights import Regions
from mcp_warehouse.semantic.question import Measured, Question


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    kind: str  # "table" or "view"
    description: str


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of a person's own SQL, cut at the caps."""

    columns: tuple[str, ...]
    rows: list[list[Any]]
    truncated: bool


class Warehouse(Protocol):
    """Reads, and has no way to write. `measure` and `select` see only rows of the given regions.

    Every method raises `Unavailable` when the database does not answer.
    """

    async def tables(self) -> list[Table]: ...

    async def columns(self, table: str) -> list[Column]: ...

    async def as_of(self) -> date: ...

    async def nations(self) -> list[str]: ...

    async def measure(self, question: Question, regions: Regions) -> list[Measured]: ...

    async def select(self, statement: Admitted, rows: int, regions: Regions) -> Selection: ...
