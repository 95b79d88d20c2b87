"""The tables a person may read."""

from mcp_types import ToolAnnotations

from mcp_warehouse.access import TheWarehouse
from mcp_warehouse.guard import SCHEMA
from mcp_warehouse.models import TableList, TableSummary

TITLE = "List tables"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


async def list_tables(warehouse: TheWarehouse) -> TableList:
    """List the tables and views of the warehouse with one sentence about each.

    Use when: you need to know what data there is, before writing SQL or when a question fits no
    metric.
    Not for: the columns of one table (describe_table), or figures such as revenue, which
    get_metric answers without any table name.
    Returns: `tables`, each with name, kind and description, by name and complete; `as_of`, the day
    the data is of. Takes no arguments and is the same for everyone: rows are limited to the
    regions of the reader, tables are not.
    Fails: Unavailable when the warehouse does not answer.
    """
    tables = await warehouse.tables()
    return TableList(
        tables=[
            TableSummary(table=f"{SCHEMA}.{t.name}", kind=t.kind, description=t.description)
            for t in tables
        ],
        as_of=await warehouse.as_of(),
    )
