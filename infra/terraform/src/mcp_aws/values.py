"""What each secret of the stack holds, as text: keys are made like those of the local stack."""

import base64
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from mcp_gateway.audit.checkpoints.key import Verifier
from mcp_local.secret_files import KEYS

# public halves, and the secrets they are made from
PUBLIC = {"ledger.pub": "ledger.pem", "checkpoint.pub": "checkpoint.pem"}
GENERATED = ("postgres-", "valkey", "keycloak-admin")
PASSWORD_BYTES = 32


class AskedForError(LookupError):
    """A value that only somebody else can make."""


def of(name: str) -> str:
    """A new value. Bytes are base64, since a secret here is text."""
    if name in KEYS:
        made = KEYS[name]()
        return made.decode() if name.endswith(".pem") else base64.b64encode(made).decode()
    if name.startswith(GENERATED):
        return secrets.token_urlsafe(PASSWORD_BYTES)
    raise AskedForError(f"whoever gives it out makes it; then --given {name}=FILE")


def public_half(name: str, private: str, before: str | None, ledger: str) -> str:
    """After those of earlier keys: what they signed still verifies. `ledger` is the name that
    checkpoints are signed under, `<host>/ledger`.
    """
    key = load_pem_private_key(private.encode(), None).public_key()
    if name == "checkpoint.pub":
        assert isinstance(key, Ed25519PublicKey)  # noqa: S101  made here
        half = f"{Verifier(ledger, key)}\n"
    else:
        half = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return half if before is None or half in before else before.rstrip("\n") + "\n" + half
