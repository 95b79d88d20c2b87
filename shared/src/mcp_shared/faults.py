"""Failures a tool foresees: what happened and what the model can do instead.

Anything else that escapes a tool is a bug: the model then sees one generic sentence, and the log
has the traceback.
"""

from typing import ClassVar

from mcp.server.mcpserver.exceptions import ToolError


class Fault(ToolError):  # noqa: N818  these are answers, named as the model reads them
    """A foreseen failure; its text is written for the model that reads it."""

    code: ClassVar[str] = "failed"

    def __init__(self, what: str, *, instead: str) -> None:
        self.what = what
        self.instead = instead
        super().__init__(f"{what} {instead}")


class NotFound(Fault):
    """Nothing there, or nothing this person may know of: the two read the same."""

    code = "not_found"


class Invalid(Fault):
    """The arguments fit the schema but not the world."""

    code = "invalid"


class Conflict(Fault):
    """The state has moved on, or an idempotency key was used for something else."""

    code = "conflict"


class Unavailable(Fault):
    """The system of record did not answer; nothing is known to have changed."""

    code = "unavailable"


class Denied(Fault):
    """The person may use the tool, but not on this."""

    code = "denied"
