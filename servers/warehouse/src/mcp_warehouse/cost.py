"""What a plan of `EXPLAIN` says a query would cost, and whether that is too much. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from mcp_shared.faults import Fault
from mcp_warehouse import complaints
from mcp_warehouse.growth import Gathered
from mcp_warehouse.guard import Admitted


def objection(
    plan: Mapping[str, Any], most_cost: float, most_gathered: float, statement: Admitted
) -> Fault | None:
    """What speaks against running it.

    `most_gathered` bounds the bytes that flow into aggregates, where these keep texts: PostgreSQL
    has no limit of its own below a gigabyte, and does not look at its clock while it copies one.
    """
    if plan["Total Cost"] > most_cost:
        return complaints.too_expensive()
    texts = statement.gathered
    if texts and max(_gathered(plan, texts), default=0.0) > most_gathered:
        return complaints.too_much_text()
    return None


def _gathered(plan: Mapping[str, Any], texts: Gathered) -> Iterator[float]:
    """Of each aggregate: rows times width of what it reads, and what the statement adds to it."""
    below = plan.get("Plans", [])
    if "Agg" in plan["Node Type"]:
        wide = (child["Plan Rows"] * (child["Plan Width"] + texts.constants) for child in below)
        yield sum(wide) * texts.times
    for child in below:
        yield from _gathered(child, texts)
