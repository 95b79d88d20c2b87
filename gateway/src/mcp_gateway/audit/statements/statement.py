"""Signed statements about the ledger itself: a day retired, a database restored, two names given.

A statement is a heading and one line of canonical JSON, signed with a ledger key. Whoever verifies
needs the public keys alone. Pure.
"""

from datetime import datetime
from typing import Any, Final, Literal

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.audit.block import Keys, key_id, outlived
from mcp_gateway.audit.canonical import canonical

About = Literal["tombstone", "restore"]

LINES: Final = 2


class StatementError(ValueError):
    """Not a statement of that kind by a trusted key; the message says which of these."""


def make(about: About, said: dict[str, Any], key: Ed25519PrivateKey) -> tuple[str, bytes]:
    """The text of a statement and its signature."""
    said = {**said, "key": key_id(key.public_key())}
    text = f"mcp-ledger {about} v1\n{canonical(said).decode()}\n"
    return text, key.sign(text.encode())


def read(about: About, text: str, signature: bytes, keys: Keys) -> dict[str, Any]:
    """What a statement says.

    Raises:
        StatementError: it is of another kind, or nobody trusted has signed it.

    """
    lines = text.split("\n")
    if len(lines) != LINES + 1 or lines[0] != f"mcp-ledger {about} v1" or lines[LINES]:
        raise StatementError(f"not a {about} statement")
    try:
        said = orjson.loads(lines[1])
    except orjson.JSONDecodeError as error:
        raise StatementError(f"the {about} statement is not JSON") from error
    if not isinstance(said, dict):
        raise StatementError(f"the {about} statement is not an object")
    name = str(said.get("key"))
    key = keys.get(name)
    if key is None:
        raise StatementError(f"signed with key {name}, which is not among the trusted")
    if outlived(keys, name, datetime.fromisoformat(str(said.get("at")))):
        raise StatementError(f"signed with key {name} after it was replaced")
    try:
        key.verify(signature, text.encode())
    except InvalidSignature as error:
        raise StatementError(f"the {about} statement is not what was signed") from error
    return said
