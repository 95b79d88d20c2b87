"""Sealed cursors: where a list goes on, for one person, one tool and one question, for a while.

The place is encrypted, so that nobody reads it or steers by it; person, tool and arguments are
authenticated with it, so that it opens nothing else. The key is derived from a secret that every
replica of a server has anyway: each opens what another sealed, and nothing has to be stored.
"""

import base64
import binascii
import hashlib
import json
import os
import time
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mcp_shared.faults import Invalid

LIFETIME_SECONDS = 3600.0
_PURPOSE = b"mcp_shared.cursors 1"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Cursors:
    """Seals and opens the cursors of one server.

    `secret` is one the server needs for something else, such as the token or the address with the
    password of its system of record. When it is changed, open lists begin anew.
    """

    def __init__(
        self,
        secret: str,
        *,
        lifetime_seconds: float = LIFETIME_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not secret:
            raise ValueError("cursors need a secret")
        key = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(secret.encode())
        self._cipher = AESGCM(key)
        self._lifetime = lifetime_seconds
        self._now = now

    def seal(self, person: str, tool: str, arguments: Any, place: Any) -> str:
        """A cursor for `place`, any JSON value; `arguments` are what the list depends on."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = json.dumps([int(self._now() + self._lifetime), place], separators=(",", ":"))
        sealed = self._cipher.encrypt(nonce, plain.encode(), _bound(person, tool, arguments))
        return _encoded(nonce + sealed)

    def open(self, person: str, tool: str, arguments: Any, cursor: str) -> Any:
        """The place that was sealed for the same person, tool and arguments.

        Raises:
            Invalid: changed, made up, of another question or person (these read the same), or
                too old.

        """
        try:
            raw = _decoded(cursor)
            nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            plain = self._cipher.decrypt(nonce, sealed, _bound(person, tool, arguments))
        except (binascii.Error, ValueError, InvalidTag):
            raise Invalid(
                "This cursor does not belong to this question.",
                instead="Repeat the arguments it came from, or leave the cursor out to start anew.",
            ) from None
        until, place = json.loads(plain)
        if self._now() > until:
            raise Invalid(
                "This cursor has expired.", instead="Leave the cursor out to start the list anew."
            )
        return place


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(raw) != text:  # the last character has bits that decoding ignores
        raise ValueError("not as it was encoded")
    return raw


def _bound(person: str, tool: str, arguments: Any) -> bytes:
    document = json.dumps([person, tool, arguments], sort_keys=True, default=str)
    return hashlib.sha256(document.encode()).digest()
