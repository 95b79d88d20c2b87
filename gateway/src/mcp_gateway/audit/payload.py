"""Arguments as they were sent, encrypted under a key that can be destroyed alone.

A key belongs to one person, one day and one process. It lies in the database wrapped by a key of
the keyring, beside a keyed pseudonym: rows alone open nothing and name nobody. The signed record
holds the hash of the ciphertext, so a destroyed key breaks no proof.
"""

import hmac
import os
import secrets
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from mcp_gateway.audit.canonical import canonical
from mcp_gateway.audit.keys import KeyFileError
from mcp_gateway.audit.redaction import SALT_BYTES

KEK_NAME: Final = "payload.key"
OLD_KEKS: Final = "payload-*.key"  # replaced ones, kept to open what they wrapped
KEK_BYTES: Final = 32
NONCE_BYTES: Final = 12
PLAIN_LIMIT: Final = 524_288  # bytes; more is stated on the record and not kept
PEOPLE: Final = 10_000  # keys held at a time; beyond it all are made anew
DAY_SECONDS: Final = 86_400


class SubjectKey:
    """One person's key of today, in this process. `stored` is the day under which it is kept."""

    __slots__ = ("cipher", "id", "kek", "stored", "subject", "wrapped")

    def __init__(self, kek: "Kek", subject: bytes) -> None:
        key = secrets.token_bytes(KEK_BYTES)
        self.id = uuid4()
        self.subject = subject
        self.kek = kek.id
        self.wrapped = kek.wrap(key)
        self.cipher = AESGCM(key)
        self.stored: date | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """One call's arguments with the salt of its commitments, as they go to the database."""

    rid: str
    key: SubjectKey
    nonce: bytes
    ct: bytes

    def mark(self) -> dict[str, Any]:
        """What the signed record says of it."""
        return {"key": str(self.key.id), "sha256": ciphertext_hash(self.nonce, self.ct)}


class Kek:
    """The key that wraps persons' keys. It never leaves the keyring's folder."""

    __slots__ = ("_names", "_wraps", "id")

    def __init__(self, secret: bytes) -> None:
        self.id = sha256(b"mcp-ledger payload key\n" + secret).hexdigest()[:16]
        self._wraps = hmac.digest(secret, b"mcp-ledger wraps", "sha256")
        self._names = hmac.digest(secret, b"mcp-ledger names", "sha256")

    def pseudonym(self, issuer: str, subject: str) -> bytes:
        """The same for one person always, and no name to anybody without this key."""
        text = f"{len(issuer)} {issuer} {subject}".encode("utf-8", "backslashreplace")
        return hmac.digest(self._names, text, "sha256")

    def wrap(self, key: bytes) -> bytes:
        return aes_key_wrap(self._wraps, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        return aes_key_unwrap(self._wraps, wrapped)


class Vault:
    """Seals arguments for the gateway. Forgets every key when the day ends."""

    def __init__(self, kek: Kek) -> None:
        self._kek = kek
        self._keys: dict[tuple[str, str], SubjectKey] = {}
        self._ends = 0.0

    @classmethod
    def at(cls, folder: Path) -> Self | None:
        """The vault of a keyring; None where it holds no key for one."""
        path = folder / KEK_NAME
        return cls(load_kek(path)) if path.exists() else None

    def seal(
        self, issuer: str, subject: str, rid: str, arguments: Any, salt: bytes
    ) -> Payload | None:
        """None when it is larger than is kept."""
        plain = canonical(arguments)
        if len(plain) > PLAIN_LIMIT:
            return None
        key = self._key(issuer, subject)
        nonce = os.urandom(NONCE_BYTES)
        return Payload(rid, key, nonce, key.cipher.encrypt(nonce, salt + plain, rid.encode()))

    def _key(self, issuer: str, subject: str) -> SubjectKey:
        now = time.time()
        if now >= self._ends or len(self._keys) >= PEOPLE:
            self._keys.clear()
            self._ends = (now // DAY_SECONDS + 1) * DAY_SECONDS
        key = self._keys.get((issuer, subject))
        if key is None:
            key = SubjectKey(self._kek, self._kek.pseudonym(issuer, subject))
            self._keys[issuer, subject] = key
        return key


@dataclass(frozen=True, slots=True)
class Opened:
    """Arguments as canonical JSON, and the salt that shows they are what was committed to."""

    plain: bytes
    salt: bytes


def open_payload(
    keks: Mapping[str, Kek], kek: str, wrapped: bytes, rid: str, nonce: bytes, ct: bytes
) -> Opened:
    """Decrypt one payload.

    Raises:
        KeyFileError: the keyring has no key of that id.
        cryptography.exceptions.InvalidTag: another key, another call, or changed bytes.

    """
    if kek not in keks:
        raise KeyFileError(f"no payload key {kek} in the keyring: it was replaced and not kept")
    key = keks[kek].unwrap(wrapped)
    plain = AESGCM(key).decrypt(nonce, ct, rid.encode())
    return Opened(plain[SALT_BYTES:], plain[:SALT_BYTES])


def ciphertext_hash(nonce: bytes, ct: bytes) -> str:
    return sha256(nonce + ct).hexdigest()


def create_kek(folder: Path) -> bool:
    """Make `payload.key` (mode 0600) unless one is there."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(folder / KEK_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(KEK_BYTES))
    return True


def load_kek(path: Path) -> Kek:
    try:
        mode, secret = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise KeyFileError(
            f"{path}: no payload key ({error.strerror}). "
            "Make one with `python -m mcp_gateway.audit keygen`."
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path}: others can read this key. Run `chmod 600 {path}`.")
    if len(secret) != KEK_BYTES:
        raise KeyFileError(f"{path}: a payload key has {KEK_BYTES} bytes, this has {len(secret)}")
    return Kek(secret)


def load_keks(folder: Path) -> dict[str, Kek]:
    """The payload key in use and those before it, by id."""
    found = [load_kek(path) for path in (folder / KEK_NAME, *sorted(folder.glob(OLD_KEKS)))]
    return {kek.id: kek for kek in found}
