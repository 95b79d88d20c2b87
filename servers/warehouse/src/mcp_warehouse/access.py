"""How a tool gets at the warehouse, and at the rights of whoever calls it."""

from dataclasses import dataclass
from typing import Annotated, Any

from mcp.server.mcpserver import Context, Resolve

from mcp_shared.cursors import Cursors
from mcp_shared.identity import caller
from mcp_shared.tasks.run import running
from mcp_warehouse.results.store import Results
from mcp_warehouse.rights import Regions, regions_of
from mcp_warehouse.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Desk:
    """What the server has open while it runs."""

    warehouse: Warehouse
    # the same warehouse with the limits of a file, and both with the limits of a task
    exports: Warehouse
    longer: Warehouse
    longer_exports: Warehouse
    # where files are kept; None: nowhere
    results: Results | None
    most_result_rows: int
    cursors: Cursors

    @property
    def patient(self) -> Warehouse:
        """With the limits of a task, where this call is one or may become one."""
        return self.warehouse if running() is None else self.longer

    @property
    def patient_exports(self) -> Warehouse:
        return self.exports if running() is None else self.longer_exports


def open_desk(ctx: Context[Any, Any]) -> Desk:
    desk: Desk = ctx.request_context.lifespan_context
    return desk


def open_warehouse(ctx: Context[Any, Any]) -> Warehouse:
    return open_desk(ctx).warehouse


def open_cursors(ctx: Context[Any, Any]) -> Cursors:
    return open_desk(ctx).cursors


def callers_regions() -> Regions:
    return regions_of(caller().groups)


TheDesk = Annotated[Desk, Resolve(open_desk)]
TheWarehouse = Annotated[Warehouse, Resolve(open_warehouse)]
TheCursors = Annotated[Cursors, Resolve(open_cursors)]
