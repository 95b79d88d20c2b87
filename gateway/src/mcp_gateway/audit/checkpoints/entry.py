"""What is kept of one checkpoint: its new leaves, the peaks they were added to, the note. Pure.

Plain lines, so that any language reads them. The head is not signed and need not be: peaks and
leaves are believed where they lead to the root that the note signs. `written` is a statement only.
"""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from mcp_gateway.audit.block import instant
from mcp_gateway.audit.checkpoints.note import leaf
from mcp_gateway.audit.checkpoints.tree import PEAKS_LIMIT, Tree
from mcp_gateway.audit.merkle import HASH_BYTES

TITLE = "mcp-ledger checkpoint v1"
SHARD = 10_000  # leaves to a folder: one folder with a year of them would be slow to list
LIMIT_BYTES = 16_000_000

_LEAF = re.compile(r"leaf (\d{4}-\d\d-\d\d) ([0-9a-f-]{36}) ([1-9]\d{0,17}) (\S{44})", re.ASCII)
_NAME = re.compile(r"\d{8}/\d{12}", re.ASCII)


class EntryError(ValueError):
    """Not an entry; the message says which part."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A segment that had grown to this block."""

    day: date
    segment: UUID
    block: int
    head: bytes

    def hash(self) -> bytes:
        return leaf(self.day, self.segment, self.block, self.head)


@dataclass(frozen=True, slots=True)
class Entry:
    before: Tree
    leaves: tuple[Leaf, ...]
    written: datetime
    note: str

    @property
    def name(self) -> str:
        """By where it begins: of two who would add at the same place, one finds it taken."""
        return f"{self.before.size // SHARD:08d}/{self.before.size:012d}"

    def after(self) -> Tree:
        return self.before.grown(one.hash() for one in self.leaves)

    def encoded(self) -> bytes:
        lines = [TITLE, f"written {instant(self.written)}", f"from {self.before.size}"]
        lines += [f"peak {b64encode(peak).decode()}" for peak in self.before.peaks]
        for one in self.leaves:
            head = b64encode(one.head).decode()
            lines.append(f"leaf {one.day.isoformat()} {one.segment} {one.block} {head}")
        return ("\n".join(lines) + "\n\n" + self.note).encode()


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def read(data: bytes) -> Entry:
    """Raises EntryError unless this is exactly one entry."""
    if len(data) > LIMIT_BYTES:
        raise EntryError("too long for an entry")
    try:
        head, separator, note = data.decode().partition("\n\n")
    except UnicodeDecodeError as error:
        raise EntryError("not UTF-8") from error
    lines = head.split("\n")
    if not separator or len(lines) < 4 or lines[0] != TITLE:
        raise EntryError("not an entry of the ledger's checkpoints, or cut off")
    try:
        written = datetime.fromisoformat(_rest(lines[1], "written ")).astimezone(UTC)
        size = int(_rest(lines[2], "from "))
        peaks = [line for line in lines[3:] if line.startswith("peak ")][:PEAKS_LIMIT]
        before = Tree(size, [_hash(line[5:]) for line in peaks])
        leaves = tuple(_leaf(line) for line in lines[3 + len(peaks) :])
    except (ValueError, binascii.Error) as error:
        raise EntryError(f"not an entry: {error}") from error
    entry = Entry(before, leaves, written, note)
    if entry.encoded() != data:
        raise EntryError("not an entry in its one spelling")
    return entry


def _leaf(line: str) -> Leaf:
    found = _LEAF.fullmatch(line)
    if found is None:
        raise ValueError(f"no leaf: {line[:80]!r}")
    day, segment, block, head = found.groups()
    return Leaf(date.fromisoformat(day), UUID(segment), int(block), _hash(head))


def _hash(text: str) -> bytes:
    data = b64decode(text, validate=True)
    if len(data) != HASH_BYTES:
        raise ValueError("a hash has 32 bytes")
    return data


def _rest(line: str, start: str) -> str:
    if not line.startswith(start):
        raise ValueError(f"expected {start.strip()!r}")
    return line.removeprefix(start)
