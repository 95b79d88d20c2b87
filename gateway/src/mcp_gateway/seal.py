"""Small texts that a client carries for us, and can neither read nor change nor use elsewhere.

Pure: no clock, no network, no state.
"""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

# nonce-misuse resistant: the same text, bound to the same, is the same sealed text
_NONCE = b"\0" * 12


class BrokenSealError(ValueError):
    """Not sealed here, or not for this."""


class Seal:
    def __init__(self, key: bytes) -> None:
        self._aead = AESGCMSIV(key)

    def close(self, plain: bytes, bound: bytes) -> str:
        return _encoded(self._aead.encrypt(_NONCE, plain, bound))

    def open(self, sealed: str, bound: bytes) -> bytes:
        """What was sealed.

        Raises:
            BrokenSealError: one character of it, or what it is bound to, is another.

        """
        try:
            raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            if _encoded(raw) != sealed:  # the last character has bits that decoding ignores
                raise BrokenSealError
            return self._aead.decrypt(_NONCE, raw, bound)
        except (binascii.Error, InvalidTag, ValueError) as error:
            raise BrokenSealError from error


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
