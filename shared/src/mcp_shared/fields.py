"""Argument types whose bound and description live in the type."""

from typing import Annotated

from pydantic import Field

SearchText = Annotated[
    str,
    Field(min_length=1, max_length=200, description="Words to look for, 1 to 200 characters."),
]

PageSize = Annotated[
    int, Field(ge=1, le=50, description="How many results to return at most, 1 to 50.")
]

Cursor = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="The `next_cursor` of an earlier answer to the same question, unchanged.",
    ),
]

IdempotencyKey = Annotated[
    str,
    Field(
        min_length=8,
        max_length=64,
        pattern=r"^[A-Za-z0-9_.:-]+$",
        description=(
            "A value you choose once for this change, 8 to 64 letters, digits or `_.:-`; send the "
            "same one when you repeat the call, and the change is made once."
        ),
    ),
]
