"""The second server's tool: without a second server nobody could be sent to the wrong one."""

from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

TITLE = "Count letters"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


class Counted(BaseModel):
    letters: int = Field(description="How many letters.")


async def count_letters(
    text: Annotated[str, Field(max_length=1000, description="What to count in.")],
) -> Counted:
    """Count the letters of a text."""
    return Counted(letters=sum(letter.isalpha() for letter in text))
