"""What each secret of the stack holds, as text: keys are made like those of the local stack."""

import base64
import secrets

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from mcp_local.secret_files import KEYS

GENERATED = ("postgres-", "valkey", "keycloak-admin")
PASSWORD_BYTES = 32


class AskedForError(LookupError):
    """A value that only somebody else can make."""


def of(name: str, ledger: str | None = None, before: str | None = None) -> str:
    """A new value. Bytes are base64, since a secret here is text."""
    if name == "ledger.pub":
        return _public(ledger or "", before)
    if name in KEYS:
        made = KEYS[name]()
        return made.decode() if name.endswith(".pem") else base64.b64encode(made).decode()
    if name.startswith(GENERATED):
        return secrets.token_urlsafe(PASSWORD_BYTES)
    raise AskedForError(f"whoever gives it out makes it; then --given {name}=FILE")


def _public(ledger: str, before: str | None) -> str:
    """The public half, after those of earlier keys: what they signed still verifies."""
    key = load_pem_private_key(ledger.encode(), None).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return pem if before is None or pem in before else before.rstrip("\n") + "\n" + pem
