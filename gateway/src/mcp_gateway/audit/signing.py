"""The key this process signs with, and whether its file has been replaced since."""

import logging
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.audit import keys

LOOK_SECONDS: Final = 5.0  # keys.GRACE is far longer: the old key's time ends after every look

log = logging.getLogger(__name__)


class SigningKey:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _stamp(path)
        self._next = 0.0
        self.key: Ed25519PrivateKey = keys.load_private(path)

    def replaced(self, now: float) -> bool:
        """Whether another key is in the file; it is then in use. Looks every few seconds."""
        if now < self._next:
            return False
        self._next = now + LOOK_SECONDS
        stamp = _stamp(self._path)
        if stamp in (None, self._seen):
            return False
        try:
            self.key = keys.load_private(self._path)
        except keys.KeyFileError as error:
            log.error("the ledger's new key is not used: %s", error)
            return False
        finally:
            self._seen = stamp
        return True


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
