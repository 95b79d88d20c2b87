"""The writer's end of one segment: seals batches of bodies into signed blocks, one after another.

A segment belongs to one process and one day. Sealing does not advance it: only a batch known to be
durable does, so that a batch can be sealed again after a doubtful commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.audit import merkle
from mcp_gateway.audit.block import GENESIS, Block, Header, key_id, leaves, sign
from mcp_gateway.audit.receipt import head_of


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed block with the tree it was computed from, for receipts."""

    block: Block
    levels: merkle.Levels
    # as every receipt of the block repeats it
    head: Mapping[str, str]

    @property
    def last_seq(self) -> int:
        return self.block.header.last_seq


class Segment:
    """Where the next block goes. `ends` is the event loop's time at midnight UTC."""

    __slots__ = ("_key", "_key_id", "block", "day", "ends", "head", "id", "seq")

    def __init__(self, segment: UUID, day: date, ends: float, key: Ed25519PrivateKey) -> None:
        self.id = segment
        self.day = day
        self.ends = ends
        self.seq = 0  # of the last durable record
        self.block = 0
        self.head = GENESIS
        self._key = key
        self._key_id = key_id(key.public_key())

    def seal(self, bodies: Sequence[bytes], signed_at: datetime) -> Sealed:
        levels = merkle.tree(leaves(bodies))
        header = Header(
            day=self.day,
            segment=self.id,
            block=self.block + 1,
            first_seq=self.seq + 1,
            count=len(bodies),
            prev=self.head,
            root=levels[-1][0],
            signed_at=signed_at,
            key=self._key_id,
        )
        block = sign(header, self._key)
        return Sealed(block, levels, head_of(block))

    def end(self) -> dict[str, Any]:
        """What is durable of it, as its successor's first record names it."""
        return {
            "day": self.day.isoformat(),
            "segment": str(self.id),
            "records": self.seq,
            "head": self.head.hex(),
        }

    def advance(self, sealed: Sealed) -> None:
        self.block = sealed.block.header.block
        self.seq = sealed.last_seq
        self.head = sealed.block.hash()
