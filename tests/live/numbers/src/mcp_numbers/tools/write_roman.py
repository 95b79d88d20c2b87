"""Spell a whole number as the Romans did."""

from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_numbers.models import Roman

TITLE = "Write a Roman numeral"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
SIGNS = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


async def write_roman(
    number: Annotated[int, Field(ge=1, le=3999, description="The whole number to spell.")],
) -> Roman:
    """Write a whole number as a Roman numeral.

    Use when: a year, a chapter or a clause has to be printed in Roman numerals.
    Not for: properties of the number such as its divisors (factor_number), or figures about
    several numbers at once (summarise_numbers).
    Returns: `numeral`, the usual subtractive spelling in capital letters, for example fourteen
    as ten and four; the same number always gives the same numeral.
    Fails: only on arguments outside the allowed range, because larger numbers have no agreed
    spelling.
    """
    numeral = ""
    for value, sign in SIGNS:
        count, number = divmod(number, value)
        numeral += sign * count
    return Roman(numeral=numeral)
