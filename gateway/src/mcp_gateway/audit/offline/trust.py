"""The public keys an auditor brings along: the one thing that is not taken from the export."""

import base64
import binascii
import re
from hashlib import sha256
from pathlib import Path

from mcp_gateway.audit.offline.ed25519 import fastest

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----\s+(.+?)-----END PUBLIC KEY-----", re.DOTALL)
# of a key that was replaced; what it signed later was signed by whoever has it now
_UNTIL = re.compile(rb"^# key ([0-9a-f]{16}) signs until (\S{27})$", re.MULTILINE)
_INSTANT_LENGTH = 27  # in UTC, with six digits: later ones compare as greater
_ED25519 = bytes.fromhex("302a300506032b6570032100")  # the DER in front of the key's 32 bytes


class UnusableError(Exception):
    """Nothing can be verified with what was given; the message says what to do."""


class Trust:
    """Keys by id, and whether one of them signed a text."""

    def __init__(self, keys: dict[str, bytes], until: dict[str, str] | None = None) -> None:
        self.keys = keys
        self._until = until or {}
        self._check = fastest()

    def signed(self, key: str, signature: bytes, text: bytes, at: str) -> bool:
        """`at` is when the text says that it was signed: a replaced key signs nothing later."""
        public, until = self.keys.get(key), self._until.get(key)
        if until is not None and (len(at) != _INSTANT_LENGTH or at > until):
            return False
        return public is not None and self._check(public, signature, text)


def load(path: Path) -> Trust:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableError(
            f"{path}: no public key to verify with ({error.strerror}). Take `ledger.pub` from "
            "whoever runs the gateway, by another way than the export."
        ) from error
    keys = {}
    for text in _PEM.findall(data):
        try:
            der = base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error as error:
            raise UnusableError(f"{path}: a public key in it cannot be read") from error
        if len(der) != 44 or not der.startswith(_ED25519):
            raise UnusableError(f"{path}: holds a key that is not Ed25519")
        raw = der[len(_ED25519) :]
        keys[sha256(raw).hexdigest()[:16]] = raw
    if not keys:
        raise UnusableError(f"{path}: holds no public key")
    return Trust(keys, {name.decode(): at.decode() for name, at in _UNTIL.findall(data)})
