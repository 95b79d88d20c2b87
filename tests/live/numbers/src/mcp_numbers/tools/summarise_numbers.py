"""Figures about several whole numbers."""

from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_numbers.models import Summary

TITLE = "Summarise numbers"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

Number = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


async def summarise_numbers(
    numbers: Annotated[
        list[Number], Field(min_length=1, max_length=100, description="The numbers, in any order.")
    ],
) -> Summary:
    """Summarise a list of whole numbers.

    Use when: you have several numbers and need how many there are, their sum, mean or range.
    Not for: the divisors of a single number (factor_number) or how one number is spelled
    (write_roman).
    Returns: `count`, `total`, `smallest`, `largest` and `mean` over all numbers given; repeated
    numbers count every time, and the order in which they were given makes no difference.
    Fails: only on an empty or too long list, or on a number outside the allowed range.
    """
    return Summary(
        count=len(numbers),
        total=sum(numbers),
        smallest=min(numbers),
        largest=max(numbers),
        mean=sum(numbers) / len(numbers),
    )
