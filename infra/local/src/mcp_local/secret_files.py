"""Secrets of one stack: made at first use, one file each, readable by their owner alone."""

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def rsa_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def ed25519_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return _pem(ed25519.Ed25519PrivateKey.generate())


def _pem(key: "RSAPrivateKey | Ed25519PrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def thirty_two_bytes() -> bytes:
    return secrets.token_bytes(32)


KEYS: dict[str, Callable[[], bytes]] = {
    "checkpoint.pem": ed25519_key,
    "gateway-assertion.pem": rsa_key,
    "ledger.pem": ed25519_key,
    "payload.key": thirty_two_bytes,
    "sealing.key": thirty_two_bytes,
    "session.key": thirty_two_bytes,
}


@dataclass(frozen=True)
class Secrets:
    folder: Path

    def path(self, name: str) -> Path:
        if not name or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise ValueError(f"{name!r} is not a name for a secret.")
        return self.folder / name

    def get(self, name: str) -> str:
        """A password, made on first use and the same ever after."""
        return self._once(name, lambda: secrets.token_urlsafe(18).encode()).decode()

    def make_keys(self) -> None:
        for name, make in KEYS.items():
            self._once(name, make)

    def _once(self, name: str, make: Callable[[], bytes]) -> bytes:
        file = self.path(name)
        if not file.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # written aside and linked: two first uses at once agree, and nobody reads half a key
            aside = self.folder / f".{name}-{secrets.token_hex(4)}"
            with os.fdopen(
                os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as out:
                out.write(make())
            with contextlib.suppress(FileExistsError):
                file.hardlink_to(aside)
            aside.unlink()
        return file.read_bytes()
