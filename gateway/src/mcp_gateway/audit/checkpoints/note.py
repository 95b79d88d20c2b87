"""Checkpoints as signed notes: the ledger's size and root in a form that others can witness. Pure.

The format is the C2SP checkpoint in a C2SP signed note with one Ed25519 signature, so that any
witness or transparency-log tool can read it. A checkpoint is worth what its keeper is: it must be
stored where the database's owner cannot write.
"""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcp_gateway.audit.merkle import HASH_BYTES, leaf_hash

ED25519 = b"\x01"  # the algorithm byte inside a key's id: another key type can follow it
KEY_ID_BYTES = 4
NOTE_LIMIT_BYTES = 64_000


class NoteError(ValueError):
    """Not a note, or one this key did not sign."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many leaves there are and what their root is."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def leaf(day: date, segment: UUID, block: int, head: bytes) -> bytes:
    """The leaf hash for a segment that has grown to this block."""
    return leaf_hash(f"{day.isoformat()} {segment} {block} {b64encode(head).decode()}\n".encode())


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """A note of `text`, which ends in a newline, under the signer's `name`."""
    if not text.endswith("\n") or "\n\n" in text:
        raise NoteError("a note's text ends in a newline and has no empty line")
    if not _speakable(name):
        raise NoteError(f"{name!r}: a signer's name has no blanks and no plus")
    mark = key_id(name, key.public_key()) + key.sign(text.encode())
    return f"{text}\n— {name} {b64encode(mark).decode()}\n"


def text_of(note: str, name: str, key: Ed25519PublicKey) -> str:
    """The text of a note that this signer signed; NoteError otherwise. Others may have, too."""
    if len(note.encode("utf-8", "replace")) > NOTE_LIMIT_BYTES:
        raise NoteError("too long for a note")
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise NoteError("no signatures after an empty line")
    text += "\n"
    for line in signatures.splitlines():
        if (mark := _mark(line, name, key)) is None:
            continue
        try:
            key.verify(mark, text.encode())
        except InvalidSignature as error:
            raise NoteError(f"the signature of {name} does not match") from error
        return text
    raise NoteError(f"not signed by {name}")


def read(note: str, name: str, key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint in a note that this signer signed."""
    lines = text_of(note, name, key).split("\n")
    if len(lines) != 4 or not lines[0] or not (lines[1].isascii() and lines[1].isdigit()):
        raise NoteError("not a checkpoint: origin, size and root, one line each")
    if lines[1] != str(int(lines[1])):
        raise NoteError("a size is written without leading zeros")
    root = _decoded(lines[2])
    if len(root) != HASH_BYTES:
        raise NoteError("the root is not a SHA-256 hash")
    return Checkpoint(lines[0], int(lines[1]), root)


def _mark(line: str, name: str, key: Ed25519PublicKey) -> bytes | None:
    """The signature in a line that names this signer and key."""
    words = line.split(" ")
    if len(words) != 3 or words[0] != "—" or words[1] != name:
        return None
    mark = _decoded(words[2])
    return mark[KEY_ID_BYTES:] if mark[:KEY_ID_BYTES] == key_id(name, key) else None


def key_id(name: str, key: Ed25519PublicKey) -> bytes:
    return sha256(f"{name}\n".encode() + ED25519 + key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def _speakable(name: str) -> bool:
    return bool(name) and not any(c.isspace() or c == "+" for c in name)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not base64") from error
