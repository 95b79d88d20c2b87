"""Days as people write them to a tool. Pure."""

from datetime import date
from typing import Annotated

from pydantic import Field

from mcp_shared.faults import Invalid

Day = Annotated[
    str,
    Field(
        min_length=10,
        max_length=10,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="A day as YYYY-MM-DD; it is included.",
    ),
]


def checked(name: str, day: str | None) -> str | None:
    """The day, if the calendar has it."""
    try:
        return date.fromisoformat(day).isoformat() if day else None
    except ValueError:
        raise Invalid(f"{name} is not a day of the calendar.", instead="Use YYYY-MM-DD.") from None
