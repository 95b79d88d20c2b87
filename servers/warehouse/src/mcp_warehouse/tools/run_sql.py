"""A person's own SELECT."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_warehouse.access import TheWarehouse, callers_regions
from mcp_warehouse.guard import MAX_CHARACTERS, admit
from mcp_warehouse.models import SqlAnswer
from mcp_warehouse.patience import telling

TITLE = "Run SQL"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

Sql = Annotated[
    str,
    Field(
        min_length=8,
        max_length=MAX_CHARACTERS,
        description="One PostgreSQL SELECT over tables of schema sales; WITH is fine.",
    ),
]
MaxRows = Annotated[
    int,
    Field(
        ge=1, le=1000, description="How many rows to return at most, 1 to 1000; 100 unless given."
    ),
]


async def run_sql(
    sql: Sql, warehouse: TheWarehouse, ctx: Context[Any, Any], max_rows: MaxRows = 100
) -> SqlAnswer:
    """Run one read-only SELECT of your own on the warehouse.

    Use when: no metric answers the question and you know the columns from describe_table.
    Not for: revenue, orders, late deliveries or accounts by revenue, where get_metric gives the
    agreed figure; never for changing data.
    Returns: `columns` and `rows`, only of accounts in your `regions`; `truncated` says that rows
    beyond `max_rows` or the size limit were left out: aggregate instead of paging. No rows is a
    valid answer. Count periods back from sales.as_of, not from today.
    Fails: Invalid when the SQL is not plain reading, uses an unavailable function, costs too much
    or takes more than a few seconds, with what to change; Denied without a region group;
    Unavailable when the warehouse does not answer.
    """
    regions = callers_regions()
    tables = frozenset(table.name for table in await warehouse.tables())
    async with telling(ctx):
        selection = await warehouse.select(admit(sql, tables), max_rows, regions)
    return SqlAnswer(
        columns=list(selection.columns),
        rows=selection.rows,
        truncated=selection.truncated,
        regions=list(regions.names),
    )
