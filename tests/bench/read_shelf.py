"""The tool that is called: its answer is 1.1 KB, and says which shelf was asked for."""

from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

TITLE = "Read a shelf"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
ITEMS = (
    ("LF-40871", "Pallet jack, 2.5 t, lifting height 200 mm", 14),
    ("LF-11230", "Stretch film, 500 mm, 23 micrometres, clear", 860),
    ("LF-90017", "Safety gloves, cut level D, size 9, pair", 312),
    ("LF-55502", "Label roll, 100 x 150 mm, thermal, 500", 1275),
    ("LF-30418", "Euro pallet, heat-treated, 1200 x 800 mm", 96),
)


class Item(BaseModel):
    sku: str = Field(description="The article's number.")
    title: str = Field(description="What it is.")
    count: int = Field(description="How many lie there.")


class Shelf(BaseModel):
    shelf: int = Field(description="The shelf's number, as asked for.")
    items: list[Item] = Field(description="What lies on it.")


def shelf(number: int) -> Shelf:
    items = [Item(sku=sku, title=title, count=count) for sku, title, count in ITEMS]
    return Shelf(shelf=number, items=items)


async def read_shelf(
    number: Annotated[int, Field(ge=1, le=999_999, description="The shelf's number.")],
) -> Shelf:
    """Read what lies on one shelf of the warehouse."""
    return shelf(number)
