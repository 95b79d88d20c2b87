"""A block: the signed head of one group commit. Pure: no clock, no network, no state.

The signature covers a short text that names the segment, the place in it, the Merkle root of the
records and the hash of the block before. Checking needs the public key alone, so that whoever can
verify cannot forge.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcp_gateway.audit import merkle

GENESIS = bytes(merkle.HASH_BYTES)  # what the first block of a segment names as its predecessor

Keys = Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True, slots=True)
class Header:
    """What a block states. `encoded` is what is signed, in lines any language can rebuild."""

    day: date
    segment: UUID
    block: int
    first_seq: int
    count: int
    prev: bytes
    root: bytes
    signed_at: datetime
    key: str

    def encoded(self) -> bytes:
        return (
            "mcp-ledger block v1\n"
            f"day {self.day.isoformat()}\n"
            f"segment {self.segment}\n"
            f"block {self.block}\n"
            f"first {self.first_seq}\n"
            f"count {self.count}\n"
            f"prev {self.prev.hex()}\n"
            f"root {self.root.hex()}\n"
            f"signed {instant(self.signed_at)}\n"
            f"key {self.key}\n"
        ).encode()

    @property
    def last_seq(self) -> int:
        return self.first_seq + self.count - 1


@dataclass(frozen=True, slots=True)
class Block:
    """A header with its signature."""

    header: Header
    signature: bytes

    def hash(self) -> bytes:
        """What the next block names as `prev`: it covers the signature too."""
        return sha256(self.header.encoded() + self.signature).digest()

    def signed_by(self, keys: Keys) -> bool:
        """Whether one of these keys, the one the header names, made this signature."""
        key = keys.get(self.header.key)
        if key is None or outlived(keys, self.header.key, self.header.signed_at):
            return False
        try:
            key.verify(self.signature, self.header.encoded())
        except InvalidSignature:
            return False
        return True


def outlived(keys: Keys, name: str, at: datetime) -> bool:
    """Whether a key was replaced before this moment: what it signs then, a thief signs."""
    until: Mapping[str, datetime] = getattr(keys, "until", {})
    return at > until.get(name, at)


def sign(header: Header, key: Ed25519PrivateKey) -> Block:
    return Block(header, key.sign(header.encoded()))


def key_id(key: Ed25519PublicKey) -> str:
    """Sixteen hexadecimal digits that name a public key."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def leaves(bodies: Sequence[bytes]) -> list[bytes]:
    return [sha256(b"\x00" + body).digest() for body in bodies]


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with six digits, always the same length."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_HEADER = re.compile(
    r"mcp-ledger block v1\n"
    r"day (\d{4}-\d\d-\d\d)\n"
    r"segment ([0-9a-f-]{36})\n"
    r"block ([1-9]\d{0,17})\n"
    r"first ([1-9]\d{0,17})\n"
    r"count ([1-9]\d{0,8})\n"
    r"prev ([0-9a-f]{64})\n"
    r"root ([0-9a-f]{64})\n"
    r"signed (\S{27})\n"
    r"key ([0-9a-f]{16})\n",
    re.ASCII,
)


def read_header(text: str) -> Header:
    """A header from the text that was signed; ValueError unless it is exactly one."""
    found = _HEADER.fullmatch(text)
    if found is None:
        raise ValueError("not a block header")
    day, segment, block, first, count, prev, tree_root, signed, key = found.groups()
    header = Header(
        date.fromisoformat(day),
        UUID(segment),
        int(block),
        int(first),
        int(count),
        bytes.fromhex(prev),
        bytes.fromhex(tree_root),
        datetime.fromisoformat(signed),
        key,
    )
    if header.encoded() != text.encode():
        raise ValueError("not a block header in its one spelling")
    return header
