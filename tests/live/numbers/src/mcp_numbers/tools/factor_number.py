"""Split a whole number into primes."""

from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_numbers.models import Factors

TITLE = "Factor a number"
HINTS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


async def factor_number(
    number: Annotated[int, Field(ge=2, le=1_000_000, description="The whole number to split.")],
) -> Factors:
    """Split a whole number into its prime factors.

    Use when: you need the factors of one number, or want to know whether it is prime.
    Not for: the sum, the mean or the range of several numbers (summarise_numbers), or another
    spelling of one number (write_roman).
    Returns: `factors`, smallest first and repeated as often as they divide the number, so that
    their product is the number again; `prime` says whether there is only one of them.
    Fails: only on arguments outside the allowed range.
    """
    factors = []
    rest, divisor = number, 2
    while divisor * divisor <= rest:
        while rest % divisor == 0:
            factors.append(divisor)
            rest //= divisor
        divisor += 1
    if rest > 1:
        factors.append(rest)
    return Factors(factors=factors, prime=len(factors) == 1)
