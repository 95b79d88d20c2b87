"""The ledger's key files: `ledger.pem` signs, `ledger.pub` verifies.

The public file may hold several keys, one after the other: a key that was replaced must keep
verifying what it signed. It is the verifier's only root of trust, so it lives outside the database:
whoever can write rows could register a key there, too.
"""

import os
import re
import stat
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcp_gateway.audit.block import instant, key_id

PRIVATE_NAME = "ledger.pem"
PUBLIC_NAME = "ledger.pub"

GRACE = timedelta(minutes=15)  # gateways look at the key's file every few seconds

_UNTIL = re.compile(rb"^# key ([0-9a-f]{16}) signs until (\S{27})$", re.MULTILINE)
_PUBLIC_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----\n?", re.DOTALL)


class KeyFileError(RuntimeError):
    """A key file is missing, unreadable, too readable, or of another kind."""


class Trusted(dict[str, Ed25519PublicKey]):
    """Public keys by id, with the moment after which a replaced one is not believed any more."""

    def __init__(self) -> None:
        super().__init__()
        self.until: dict[str, datetime] = {}


def rotate(path: Path, now: datetime) -> tuple[str, str]:
    """Replace the private key; the old and the new one's ids. The old private key is gone.

    The public half is trusted before the private one is there to be used: no reader meets a block
    of a key that it does not know.
    """
    public = path.with_name(PUBLIC_NAME)
    old = load_private(path)
    publish(old, public)
    aside = path.with_name(f".{path.name}-new")
    aside.unlink(missing_ok=True)
    new = _written(aside)
    publish(new, public)
    ends = instant(now + GRACE)
    with public.open("ab") as file:
        file.write(f"# key {key_id(old.public_key())} signs until {ends}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return key_id(old.public_key()), key_id(new.public_key())


def create(path: Path) -> bool:
    """Make a private key at `path` (mode 0600) unless one is there; publish its public half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        key = _written(path)
    except FileExistsError:
        publish(load_private(path), path.with_name(PUBLIC_NAME))
        return False
    publish(key, path.with_name(PUBLIC_NAME))
    return True


def _written(path: Path) -> Ed25519PrivateKey:
    """A new key in a new file."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(handle, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return key


def load_private(path: Path) -> Ed25519PrivateKey:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise KeyFileError(
            f"{path}: no ledger key ({error.strerror}). "
            "Make one with `python -m mcp_gateway.audit keygen`."
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path}: others can read this private key. Run `chmod 600 {path}`.")
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"{path}: not an unencrypted PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: not an Ed25519 key")
    return key


def publish(key: Ed25519PrivateKey, path: Path) -> None:
    """Add the public half to `path` unless it is there; earlier keys stay."""
    public = key.public_key()
    if path.exists() and key_id(public) in load_public(path):
        return
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with path.open("ab") as file:
        file.write(pem)


def load_public(path: Path) -> Trusted:
    """The trusted keys by id. With only a private key beside it, that key's public half."""
    if not path.exists() and path.with_name(PRIVATE_NAME).exists():
        own = load_private(path.with_name(PRIVATE_NAME)).public_key()
        found = Trusted()
        found[key_id(own)] = own
        return found
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyFileError(
            f"{path}: no public key to verify with ({error.strerror}). Take `{PUBLIC_NAME}` from "
            "the gateway's key folder, never from the database."
        ) from error
    found = Trusted()
    for pem in _PUBLIC_PEM.findall(data):
        try:
            key = serialization.load_pem_public_key(pem)
        except ValueError as error:
            raise KeyFileError(f"{path}: a public key in it cannot be read") from error
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFileError(f"{path}: holds a key that is not Ed25519")
        found[key_id(key)] = key
    for name, moment in _UNTIL.findall(data):
        found.until[name.decode()] = datetime.fromisoformat(moment.decode())
    if not found:
        raise KeyFileError(f"{path}: holds no public key")
    return found
