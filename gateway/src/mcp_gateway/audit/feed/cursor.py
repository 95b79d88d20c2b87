"""How far a feed has come, segment by segment, in a file that is whole or as it was.

Each segment has one writer whose blocks commit in their order, so "up to record n" misses nothing
there. Across segments no order is safe: a transaction that began first may be seen last.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import orjson

VERSION = 1


class CursorError(RuntimeError):
    """The file is not a cursor, or somebody else uses it."""


class Place(NamedTuple):
    """The last record delivered of a segment, and its block."""

    seq: int = 0
    block: int = 0


@dataclass(slots=True)
class Cursor:
    floor: date = date.min  # segments of earlier days are delivered whole
    segments: dict[tuple[date, UUID], Place] = field(default_factory=dict)

    def forget_before(self, day: date) -> None:
        self.floor = max(self.floor, day)
        for key in [key for key in self.segments if key[0] < self.floor]:
            del self.segments[key]


def load(path: Path) -> Cursor | None:
    """None where there is none yet."""
    try:
        said = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CursorError(f"{path}: cannot be read as a cursor: {error}") from error
    try:
        if said["v"] != VERSION:
            raise CursorError(f"{path}: a cursor of another version")
        cursor = Cursor(date.fromisoformat(said["floor"]))
        for day, segment, seq, block in said["segments"]:
            cursor.segments[date.fromisoformat(day), UUID(segment)] = Place(int(seq), int(block))
    except (KeyError, TypeError, ValueError) as error:
        raise CursorError(f"{path}: not a cursor") from error
    return cursor


def save(path: Path, cursor: Cursor) -> None:
    """Durable when it returns, and never half written."""
    said = {
        "v": VERSION,
        "floor": cursor.floor.isoformat(),
        "segments": [
            [day.isoformat(), str(segment), *place]
            for (day, segment), place in sorted(cursor.segments.items())
        ],
    }
    aside = path.with_name(f"{path.name}.new")
    with aside.open("wb") as file:
        file.write(orjson.dumps(said))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Two feeds with one cursor would each skip what the other delivered."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CursorError(f"{path}: another feed uses this cursor") from error
        yield
