"""The checkpoints' own key: `checkpoint.pem` signs, `checkpoint.pub` verifies.

The public file has one verifier key of C2SP signed notes to a line (`name+id+key`), so that any
witness or transparency-log tool takes it as it is. It is another key than the ledger's: whoever
steals one has not got the other, and they are replaced apart.
"""

import binascii
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import note as checkpoint
from mcp_gateway.audit.checkpoints.note import ED25519, Checkpoint, NoteError

PRIVATE_NAME = "checkpoint.pem"
PUBLIC_NAME = "checkpoint.pub"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A name and the key that signs under it."""

    name: str
    key: Ed25519PublicKey

    def __str__(self) -> str:
        mark = checkpoint.key_id(self.name, self.key).hex()
        return f"{self.name}+{mark}+{b64encode(ED25519 + self.key.public_bytes_raw()).decode()}"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs checkpoints; its name is the log's origin, too."""

    name: str
    key: Ed25519PrivateKey

    def note(self, size: int, root: bytes) -> str:
        return checkpoint.sign(Checkpoint(self.name, size, root).text(), self.name, self.key)

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public_key())


def create(folder: Path) -> bool:
    """Make a private key (mode 0600) unless one is there."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(folder / PRIVATE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(
            Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return True


def signer(folder: Path, name: str) -> Signer:
    """The key in this folder, under the name it was first published with, or else this one."""
    key = keys.load_private(folder / PRIVATE_NAME)
    public = folder / PUBLIC_NAME
    for known in verifiers(public) if public.exists() else ():
        if known.key.public_bytes_raw() == key.public_key().public_bytes_raw():
            return Signer(known.name, key)
    made = Signer(name, key)
    made.note(0, bytes(32))  # refuses a name that could be read in two ways
    return made


def publish(verifier: Verifier, path: Path) -> None:
    """Add it to the file unless it is there; earlier keys stay."""
    if path.exists() and verifier in verifiers(path):
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{verifier}\n")


def verifiers(path: Path) -> list[Verifier]:
    """Raises KeyFileError where there is none."""
    try:
        lines = path.read_text("utf-8").split()
    except OSError as error:
        raise keys.KeyFileError(
            f"{path}: no key to verify checkpoints with ({error.strerror}). Take `{PUBLIC_NAME}` "
            "from the gateway's key folder, never from where the checkpoints are."
        ) from error
    try:
        found = [_parsed(line) for line in lines]
    except (ValueError, binascii.Error) as error:
        raise keys.KeyFileError(f"{path}: {error}") from error
    if not found:
        raise keys.KeyFileError(f"{path}: holds no key")
    return found


def read(note: str, trusted: list[Verifier]) -> Checkpoint:
    """The checkpoint in a note that one of these signed; NoteError otherwise."""
    for one in trusted:
        if f"\n— {one.name} " in note:
            found = checkpoint.read(note, one.name, one.key)
            if found.origin != one.name:
                raise NoteError(f"a checkpoint of {found.origin}, signed by {one.name}")
            return found
    raise NoteError("not signed by a key that is trusted")


def _parsed(line: str) -> Verifier:
    name, mark, text = (*line.split("+", 2), "", "")[:3]
    data = b64decode(text, validate=True)
    if not name or data[:1] != ED25519 or len(data) != 33:
        raise ValueError(f"not a verifier key for Ed25519: {line[:80]!r}")
    found = Verifier(name, Ed25519PublicKey.from_public_bytes(data[1:]))
    if checkpoint.key_id(name, found.key).hex() != mark:
        raise ValueError(f"the id of {name}'s key is not its own")
    return found
