"""A tool for tests: small, bounded, and it can fail both ways."""

from typing import Annotated, Literal

from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from mcp_shared.faults import NotFound
from mcp_shared.identity import caller

TITLE = "Add numbers"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class Total(BaseModel):
    total: int = Field(description="The sum.")
    who: str = Field(description="The person it was computed for.")


async def add_numbers(
    numbers: Annotated[
        list[Annotated[int, Field(ge=0, le=9)]], Field(max_length=5, description="Digits.")
    ],
    style: Annotated[Literal["plain", "roman"], Field(description="How to write it.")] = "plain",
) -> Total:
    """Add up to five digits."""
    if style == "roman" and not numbers:
        raise NotFound("There is no Roman zero.", instead="Give at least one digit.")
    if numbers == [9, 9, 9]:
        raise RuntimeError("secret detail")
    return Total(total=sum(numbers), who=caller().username)
