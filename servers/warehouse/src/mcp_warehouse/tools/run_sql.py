"""A person's own SELECT."""

from typing import Annotated, Any, Literal

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from mcp_shared.tasks.terms import Terms
from mcp_warehouse.access import TheDesk, callers_regions
from mcp_warehouse.guard import MAX_CHARACTERS, admit
from mcp_warehouse.models import SqlAnswer
from mcp_warehouse.patience import telling
from mcp_warehouse.results import answer

TITLE = "Run SQL"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

# as a task a question may take longer than a request (WAREHOUSE_TASK_SECONDS)
TASKS = Terms(patience=1.0, longest=1000, ttl=3600, poll=2.0)

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
ResultAs = Annotated[
    Literal["rows", "files"],
    Field(
        description="`files` keeps a large result for an hour as CSV and Parquet and answers a "
        "sample of it; rows unless given."
    ),
]


async def run_sql(
    sql: Sql,
    desk: TheDesk,
    ctx: Context[Any, Any],
    max_rows: MaxRows = 100,
    result: ResultAs = "rows",
) -> Annotated[CallToolResult, SqlAnswer]:
    """Run one read-only SELECT of your own on the warehouse.

    Use when: no metric answers the question and you know the columns from describe_table.
    Not for: revenue, orders, late deliveries or accounts by revenue, where get_metric gives the
    agreed figure; never for changing data.
    Returns: `columns` and `rows`, only of accounts in your `regions`; `truncated` says that rows
    beyond `max_rows` or the size limit were left out: aggregate instead of paging. No rows is a
    valid answer. Count periods back from sales.as_of, not from today. With `result` files: a
    sample, and `files` with addresses, columns and count, for the person alone.
    Fails: Invalid when the SQL is not plain reading, uses an unavailable function, costs too much
    or takes more than a few seconds, with what to change; Denied without a region group;
    Unavailable when the warehouse does not answer.
    """
    regions = callers_regions()
    tables = frozenset(table.name for table in await desk.warehouse.tables())
    # in a thread: the largest SQL takes a tenth of a second to parse, and others ask meanwhile
    statement = await anyio.to_thread.run_sync(admit, sql, tables)
    async with telling(ctx):
        if result == "files":
            return await answer.kept(desk, statement, regions)
        return answer.rows(await desk.patient.select(statement, max_rows, regions), regions)
