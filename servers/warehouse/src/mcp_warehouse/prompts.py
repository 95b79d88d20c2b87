"""Questions worth asking well, as prompts a person picks in their client."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

FOCUS = Annotated[
    str,
    Field(
        max_length=100,
        description="Optional: a region, nation or segment to look at, such as EUROPE.",
    ),
]


def revenue_review(focus: FOCUS = "") -> str:
    """Review the last 90 days: revenue against the period before, and who is behind the change."""
    where = f" for {focus.strip()}" if focus.strip() else ""
    return f"""\
Review our revenue of the last 90 days{where}, in this order:

1. get_metric revenue, compare_with previous_period: the total, then group_by region and segment.
2. get_metric accounts_losing_revenue, limit 20: which large accounts fell, and by how much.
3. get_metric accounts_by_revenue, compare_with previous_period, limit 20: how much of the whole \
these accounts are.
4. get_metric late_shipments and order_status: whether deliveries could explain it.
5. Only for a question these leave open: describe_table, then run_sql.

Report: one sentence with the total and its change; the three largest losses and gains with \
account name, id and amount; what you could not explain. Name the days compared and the regions \
covered as the answers state them. An account with few orders swings by chance: give `basis` with \
each figure. Do not guess causes the figures do not show; the CRM may know them by account id."""


def add_to(server: MCPServer[Any]) -> None:
    server.prompt(title="Revenue review")(revenue_review)
