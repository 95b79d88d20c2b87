"""Puts the warehouse server together; it connects to nothing until it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.mcpserver import MCPServer

from mcp_shared.cursors import Cursors
from mcp_shared.serve import new_server
from mcp_warehouse import prompts
from mcp_warehouse.access import Desk
from mcp_warehouse.engine import reading
from mcp_warehouse.results import resource
from mcp_warehouse.results.store import keeping
from mcp_warehouse.semantic import page
from mcp_warehouse.settings import Settings
from mcp_warehouse.tools import describe_table, get_metric, list_tables, run_sql

VERSION = "0.1.0"
INSTRUCTIONS = """\
Figures of Larkfield Supply: revenue, orders, accounts, suppliers, deliveries.
Start with get_metric: its figures are defined once and agreed on. Use run_sql only for what no
metric covers, after list_tables and describe_table.
People see the regions of their groups; a figure is always for the regions named in the answer.
Data is as of the day in `as_of`, not today: count periods back from it.
Account ids and names are those of the CRM."""


@asynccontextmanager
async def lifespan(_: MCPServer[Any]) -> AsyncIterator[Desk]:
    settings = Settings()
    async with (
        reading(settings) as warehouse,
        reading(settings.for_results) as exports,
        reading(settings.for_tasks) as longer,
        reading(settings.for_results.for_tasks) as longer_exports,
        keeping(settings) as results,
    ):
        yield Desk(
            warehouse=warehouse,
            exports=exports,
            longer=longer,
            longer_exports=longer_exports,
            results=results,
            most_result_rows=settings.most_result_rows,
            cursors=Cursors(settings.cursor_secret),
        )


def build() -> MCPServer[Any]:
    server = new_server(
        "warehouse",
        title="Warehouse",
        version=VERSION,
        instructions=INSTRUCTIONS,
        tools=[list_tables, describe_table, get_metric, run_sql],
        lifespan=lifespan,
    )
    prompts.add_to(server)
    page.add_to(server)
    resource.add_to(server)
    return server
