"""What the browser keeps for us: sealed cookies, so that any replica serves the next request.

Encrypted and authenticated (JWE, dir + A256GCM) under a key of their own for each purpose: what was
sealed as one thing does not open as another.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.requests import Request
from starlette.responses import Response

SESSION_SECONDS = 8 * 3600  # a working day; then the issuer is asked again
SIGN_IN_SECONDS = 600  # from the button to the way back
COOKIE_BYTES = 3_900  # browsers drop a cookie above 4096, its name and attributes included
ALGORITHMS = ["dir", "A256GCM"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way; it belongs to the browser that holds this cookie."""

    state: str
    nonce: str
    verifier: str
    after: str


@dataclass(frozen=True, slots=True)
class Session:
    """Someone who signed in and may be here."""

    subject: str
    person: str
    name: str
    roles: tuple[str, ...]
    csrf: str
    id_token: str
    signed_in: int


class Cookies:
    """Seals and opens; knows the cookies' names and attributes."""

    def __init__(self, key: bytes, *, secure: bool, ended: Callable[[Session], bool]) -> None:
        # whether an operator has put an end to it: a cookie cannot be called back
        self.ended = ended
        self._keys = {purpose: _derived(key, purpose) for purpose in ("session", "sign-in")}
        self._secure = secure
        # __Host- binds the cookie to this host and to https; browsers refuse the name on plain http
        self._prefix = "__Host-mcp-console" if secure else "mcp-console"
        self._path = "/" if secure else "/console"

    def begun(self, request: Request) -> Begun | None:
        found = self._open(request, "sign-in", SIGN_IN_SECONDS)
        return None if found is None else Begun(**found)

    def session(self, request: Request) -> Session | None:
        found = self._open(request, "session", SESSION_SECONDS)
        if found is None:
            return None
        session = Session(**{**found, "roles": tuple(found["roles"])})
        return None if self.ended(session) else session

    def keep_begun(self, response: Response, begun: Begun) -> None:
        self._set(response, "sign-in", asdict(begun), SIGN_IN_SECONDS)

    def keep_session(self, response: Response, session: Session) -> None:
        content = asdict(session)
        if len(self._seal("session", content)) > COOKIE_BYTES:
            content["id_token"] = ""  # only a hint, for signing out without a question
        self._set(response, "session", content, SESSION_SECONDS)

    def forget(self, response: Response, purpose: str) -> None:
        response.delete_cookie(
            self._name(purpose), self._path, secure=self._secure, httponly=True, samesite="lax"
        )

    def _name(self, purpose: str) -> str:
        return f"{self._prefix}-{purpose}"

    def _set(
        self, response: Response, purpose: str, content: Mapping[str, Any], seconds: int
    ) -> None:
        response.set_cookie(
            self._name(purpose),
            self._seal(purpose, content),
            max_age=seconds,
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="lax",  # the way back from the issuer is a navigation from another site
        )

    def _seal(self, purpose: str, content: Mapping[str, Any]) -> str:
        plain = orjson.dumps({"at": int(time.time()), "content": content})
        header = {"alg": "dir", "enc": "A256GCM"}
        return jwe.encrypt_compact(header, plain, self._keys[purpose], algorithms=ALGORITHMS)

    def _open(self, request: Request, purpose: str, seconds: int) -> dict[str, Any] | None:
        sealed = request.cookies.get(self._name(purpose))
        if not sealed or len(sealed) > COOKIE_BYTES:
            return None
        try:
            opened = jwe.decrypt_compact(sealed, self._keys[purpose], algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            return None
        found = orjson.loads(opened.plaintext or b"")
        if not 0 <= time.time() - found["at"] <= seconds:
            return None
        content: dict[str, Any] = found["content"]
        return content


def token() -> str:
    """Unguessable: 256 bits."""
    return secrets.token_urlsafe(32)


def same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(), expected.encode())


def _derived(key: bytes, purpose: str) -> OctKey:
    info = f"mcp-gateway console {purpose}".encode()
    return OctKey.import_key(HKDF(SHA256(), 32, salt=None, info=info).derive(key))
