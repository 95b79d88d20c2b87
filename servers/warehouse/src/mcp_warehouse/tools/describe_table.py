"""The columns of one table."""

import difflib
from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_shared.faults import NotFound
from mcp_warehouse.access import TheWarehouse
from mcp_warehouse.guard import SCHEMA
from mcp_warehouse.models import ColumnSummary, TableDescription

TITLE = "Describe a table"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

TableName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=80,
        description="A table of list_tables, such as `sales.orders`; the schema may be left out.",
    ),
]


async def describe_table(table: TableName, warehouse: TheWarehouse) -> TableDescription:
    """Describe one table or view: its columns, their types and what each one holds.

    Use when: you are about to write SQL and need exact column names, units and the values a
    column can have.
    Not for: finding out which tables exist (list_tables), or reading rows (run_sql).
    Returns: the table's `kind` and `description`, and all `columns` in their order, each with type
    and description. It shows no rows and is the same for everyone.
    Fails: NotFound when there is no such table, with the nearest names; Unavailable when the
    warehouse does not answer.
    """
    name = table.strip().lower().removeprefix(f"{SCHEMA}.")
    known = {one.name: one for one in await warehouse.tables()}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3) or sorted(known)
        raise NotFound(
            "There is no such table in the warehouse.",
            instead=f"Perhaps {', '.join(f'{SCHEMA}.{one}' for one in near)}?",
        )
    columns = await warehouse.columns(name)
    return TableDescription(
        table=f"{SCHEMA}.{name}",
        kind=known[name].kind,
        description=known[name].description,
        columns=[
            ColumnSummary(column=c.name, type=c.type, description=c.description) for c in columns
        ],
    )
