"""The metrics as a page to read: `warehouse://metrics`, the same for everyone."""

from collections.abc import Iterator
from typing import Any

from mcp.server.mcpserver import MCPServer

from mcp_warehouse.metrics import LAYER

ADDRESS = "warehouse://metrics"


def add_to(server: MCPServer[Any]) -> None:
    @server.resource(
        ADDRESS,
        name="metrics",
        title="Metrics",
        description="What get_metric can be asked for: definition, unit and breakdowns of each.",
        mime_type="text/markdown",
    )
    def metrics() -> str:
        return page()


def page() -> str:
    return "\n".join(["# Metrics", *_lines()])


def _lines() -> Iterator[str]:
    for name, metric in LAYER.metrics.items():
        grain = LAYER.tables[LAYER.table_of(metric)].grain
        yield f"\n## {name}\n"
        yield f"{metric.definition}\n"
        yield f"- Unit: {metric.unit}; one row counted is one {grain}, by `{metric.day}`."
        yield f"- Breakdowns: {', '.join(metric.breakdowns)}."
        yield f"- Filters: {', '.join(LAYER.filters)}."
