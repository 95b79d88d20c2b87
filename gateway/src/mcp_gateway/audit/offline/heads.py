"""A segment's and a block's head as their lines state them, and the text that was signed. Pure."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

COUNT_LIMIT = 100_000  # far above what a gateway writes

_SHAPES = {
    "prev": r"[0-9a-f]{64}",
    "root": r"[0-9a-f]{64}",
    "signed": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "key": r"[0-9a-f]{16}",
}


class ShapeError(ValueError):
    """Not a block's line; the text says which part of it is not."""


@dataclass(frozen=True, slots=True)
class Head:
    block: int
    first: int
    count: int
    prev: str
    root: str
    signed: str
    key: str
    signature: bytes
    stored: float  # seconds since 1970, by the database's clock

    @property
    def last(self) -> int:
        return self.first + self.count - 1

    def text(self, day: str, segment: str) -> bytes:
        return (
            f"mcp-ledger block v1\nday {day}\nsegment {segment}\nblock {self.block}\n"
            f"first {self.first}\ncount {self.count}\nprev {self.prev}\nroot {self.root}\n"
            f"signed {self.signed}\nkey {self.key}\n"
        ).encode()

    def hash(self, day: str, segment: str) -> str:
        return sha256(self.text(day, segment) + self.signature).hexdigest()

    @property
    def signed_at(self) -> float:
        return datetime.fromisoformat(self.signed).timestamp()


def place(line: dict[str, Any]) -> tuple[str, str]:
    """The day and segment that blocks after this line are of; ShapeError where it names none."""
    day, segment = line.get("day"), line.get("segment")
    if not isinstance(day, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII):
        raise ShapeError("a segment's day has another form")
    if not isinstance(segment, str) or not re.fullmatch(r"[0-9a-f-]{36}", segment, re.ASCII):
        raise ShapeError("a segment's name has another form")
    return day, segment


def read(line: dict[str, Any]) -> Head:
    """Raises ShapeError unless it is the head of a block."""
    for name in ("block", "first", "count"):
        value = line.get(name)
        if type(value) is not int or not 0 < value < 10**18:
            raise ShapeError(f"a block's {name} is a positive number")
    if line["count"] > COUNT_LIMIT:
        raise ShapeError(f"a block states {line['count']} records, more than any gateway writes")
    for name, shape in _SHAPES.items():
        value = line.get(name)
        if not isinstance(value, str) or not re.fullmatch(shape, value, re.ASCII):
            raise ShapeError(f"a block's {name} has another form")
    try:
        signature = base64.b64decode(str(line.get("signature")), validate=True)
        stored = datetime.fromisoformat(str(line.get("stored"))).timestamp()
        datetime.fromisoformat(line["signed"])
    except (binascii.Error, ValueError, OverflowError) as error:
        raise ShapeError("a block's signature or times cannot be read") from error
    if len(signature) != 64:
        raise ShapeError("a block's signature has the wrong length")
    names = ("block", "first", "count", *_SHAPES)
    return Head(**{name: line[name] for name in names}, signature=signature, stored=stored)
