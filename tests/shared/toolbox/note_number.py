"""A tool for tests that writes: it remembers what it was told."""

from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from mcp_shared.fields import IdempotencyKey

TITLE = "Note a number"
HINTS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
NOTED: dict[str, int] = {}


class Noted(BaseModel):
    noted: int = Field(description="How many numbers are noted.")


async def note_number(
    number: Annotated[int, Field(ge=0, le=9, description="The digit.")],
    idempotency_key: IdempotencyKey,
    note: Annotated[str, Field(max_length=100, description="Why.")] = "",
) -> Noted:
    """Note a digit."""
    NOTED[idempotency_key] = number + len(note) * 0
    return Noted(noted=len(NOTED))
