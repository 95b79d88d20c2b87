"""How a tool gets at the warehouse, and at the rights of whoever calls it."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context, Resolve

from mcp_shared.identity import caller
from mcp_warehouse.rights import Regions, regions_of
from mcp_warehouse.warehouse import Warehouse


def open_warehouse(ctx: Context[Any, Any]) -> Warehouse:
    warehouse: Warehouse = ctx.request_context.lifespan_context
    return warehouse


def callers_regions() -> Regions:
    return regions_of(caller().groups)


TheWarehouse = Annotated[Warehouse, Resolve(open_warehouse)]
