"""The realm's RS256 keys, in a file of mode 0600: the current one, and the one before it."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

ALGORITHM = "RS256"
PUBLISHED = 2  # the current key and the one before


class Keyring:
    """Signs with the newest key, accepts every published one."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "signing-keys.json"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._keys: list[RSAKey] = []
        if self._file.exists():
            self._keys = [RSAKey.import_key(raw) for raw in json.loads(self._file.read_text())]
        else:
            self.rotate()

    def rotate(self) -> str:
        """Make a new current key; the oldest beyond the previous one is no longer accepted."""
        key = RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        self._keys = [key, *self._keys][:PUBLISHED]
        self._save()
        return key.kid or ""

    def published(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self._keys]}

    def public_pem(self) -> str:
        return self._keys[0].as_pem(private=False).decode()

    def sign(self, claims: dict[str, Any]) -> str:
        header = {"alg": ALGORITHM, "typ": "JWT", "kid": self._keys[0].kid}
        return jwt.encode(header, claims, self._keys[0], algorithms=[ALGORITHM])

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that carries one of our signatures; expiry is the caller's."""
        try:
            return dict(jwt.decode(token, KeySet(list(self._keys)), algorithms=[ALGORITHM]).claims)
        except (JoseError, ValueError):
            return None

    def _save(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        private: Sequence[dict[str, Any]] = [dict(key.as_dict(private=True)) for key in self._keys]
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(private, out)
        fresh.replace(self._file)
