"""Tokens in Keycloak's shape: access, refresh and ID tokens, and reading them back."""

import base64
import hashlib
import uuid
from dataclasses import dataclass, replace
from typing import Any

from sandbox_idp import claims
from sandbox_idp.claims import Granted
from sandbox_idp.keys import Keyring
from sandbox_idp.memory import Memory, Session
from sandbox_idp.realm import Realm, User


@dataclass(frozen=True)
class Issuer:
    """The realm at its public URL."""

    url: str
    realm: Realm
    keys: Keyring
    memory: Memory

    def access(
        self,
        granted: Granted,
        user: User,
        audience: list[str],
        *,
        sid: str | None,
        signed_in: int | None,
    ) -> str:
        said = claims.claims(granted, user, "access", signed_in=signed_in)
        if audience:
            said["aud"] = audience[0] if len(audience) == 1 else audience
        if sid:
            said["sid"] = sid
        body = self._frame("Bearer", self.realm.lifetimes.access_token)
        return self.keys.sign(
            {**body, "azp": granted.client.client_id, **said, "scope": granted.text}
        )

    def signed_in(
        self, session: Session, *, scope: str | None = None, nonce: str | None = None
    ) -> dict[str, Any]:
        """The token endpoint's answer for a person: it spends the session's refresh token."""
        client = self.realm.clients[session.client_id]
        user = self.realm.users[session.username]
        granted = claims.grant(self.realm, client, session.scope if scope is None else scope, user)
        audience = claims.narrowed(self.realm, claims.audience(granted), session.resource)
        access = self.access(granted, user, audience, sid=session.sid, signed_in=session.signed_in)
        refresh, refresh_seconds = self._refresh(session, granted)
        answer = {
            "access_token": access,
            "expires_in": self.realm.lifetimes.access_token,
            "refresh_expires_in": refresh_seconds,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": session.sid,
            "scope": granted.text,
        }
        if granted.openid:
            answer["id_token"] = self._identity(granted, user, session, access, nonce)
        return answer

    def read_access(self, token: str) -> dict[str, Any] | None:
        """Claims of a live access token of ours, also one issued before a restart."""
        said = self._read(token, "Bearer")
        if said is None or self.memory.revoked.get(said["jti"]):
            return None
        return None if self.memory.ended.get(said.get("sid", "")) else said

    def read_refresh(self, token: str) -> tuple[dict[str, Any], Session] | None:
        said = self._read(token, "Refresh")
        session = self.memory.sessions.get(said["sid"]) if said else None
        return (said, session) if said and session else None

    def read_identity(self, token: str) -> dict[str, Any] | None:
        """An ID token as a logout hint: it may have expired."""
        said = self.keys.read(token)
        return said if said and said.get("typ") == "ID" and said.get("iss") == self.url else None

    def _read(self, token: str, kind: str) -> dict[str, Any] | None:
        said = self.keys.read(token)
        if said is None or said.get("typ") != kind or said.get("iss") != self.url:
            return None
        return said if said["exp"] > self.memory.clock() else None

    def _frame(self, kind: str, seconds: int) -> dict[str, Any]:
        now = int(self.memory.clock())
        frame = {"exp": now + seconds, "iat": now, "jti": str(uuid.uuid4())}
        return {**frame, "iss": self.url, "typ": kind}

    def _refresh(self, session: Session, granted: Granted) -> tuple[str, int]:
        limits = self.realm.lifetimes
        left = session.signed_in + limits.session_max - int(self.memory.clock())
        seconds = min(limits.session_idle, left)
        body = self._frame("Refresh", seconds)
        self.memory.sessions.put(session.sid, replace(session, refresh=body["jti"]))
        user = self.realm.users[session.username]
        said = {"aud": self.url, "sub": user.id, "azp": session.client_id, "sid": session.sid}
        return self.keys.sign({**body, **said, "scope": granted.text}), seconds

    def _identity(
        self, granted: Granted, user: User, session: Session, access: str, nonce: str | None
    ) -> str:
        half = hashlib.sha256(access.encode()).digest()[:16]
        said = {
            "aud": session.client_id,
            "azp": session.client_id,
            "sub": user.id,
            "auth_time": session.signed_in,
            "sid": session.sid,
            "acr": "1",
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **({"nonce": nonce} if nonce else {}),
        }
        mapped = claims.claims(granted, user, "id", signed_in=session.signed_in)
        return self.keys.sign({**self._frame("ID", 300), **mapped, **said})
