"""Where checkpoints are kept, as far as whoever writes or reads them needs it.

What is kept is added and never replaced: `put` refuses a name that is taken, so that of two who
write by mistake at once, one finds out. Nothing here waits for a lock; all of it may block, and is
called from a thread.
"""

from collections.abc import Iterator
from typing import Protocol


class PlaceError(OSError):
    """The place cannot be used; the message says why."""


class TakenError(Exception):
    """There is an entry of that name already."""


class Place(Protocol):
    """Keeps entries by name."""

    def put(self, name: str, data: bytes) -> None:
        """Durable when it returns. TakenError when the name is."""

    def get(self, name: str) -> bytes:
        """As it was first written."""

    def names(self) -> Iterator[str]:
        """Of all entries, in order."""

    def newest(self, count: int) -> list[str]:
        """The last names, in order, without listing the others."""

    def disturbed(self) -> list[str]:
        """What was written over or removed as far as this place can tell; words for a person."""
