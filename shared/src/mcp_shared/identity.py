"""Who is calling a server: the token check at its door, and the `Caller` its tools see.

A server accepts only tokens made for itself (`aud` is its own URL) and asked for by the gateway
(`azp`); a token of the gateway, of another server or of a person's own client is refused (RFC
8707).
"""

import logging
import os
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_shared.tokens import Claims, KeySource, KeysUnavailableError, TokenError, names, verify

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """The person a call is made for, and the agent that makes it."""

    subject: str
    username: str
    name: str
    roles: frozenset[str]
    groups: frozenset[str]
    agent: str


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def known_caller() -> Caller | None:
    """The caller of the current request, where there is one."""
    return _caller.get()


def caller() -> Caller:
    """The caller of the current request. A call without one is a bug, not a guest."""
    current = known_caller()
    if current is None:
        raise LookupError("no caller: the server was reached without its token check")
    return current


def become(who: Caller) -> None:
    """Set the caller for this context: the token check, stdio mode, and tests."""
    _caller.set(who)


def local_caller() -> Caller:
    """The caller of a stdio server: the person at this machine, with groups they were given."""
    groups = {part.strip() for part in os.environ.get("MCP_LOCAL_GROUPS", "").split(",")} - {""}
    user = os.environ.get("USER", "local")
    return Caller(
        subject=f"local:{user}", username=user, name=user, roles=frozenset(groups),
        groups=frozenset(groups), agent="stdio",
    )  # fmt: skip


def from_claims(claims: Claims) -> Caller:
    raw = claims.raw
    username = raw.get("preferred_username")
    name = raw.get("name")
    return Caller(
        subject=claims.subject,
        username=username if isinstance(username, str) else claims.subject,
        name=name if isinstance(name, str) else "",
        roles=names(raw, "realm_access", "roles"),
        groups=names(raw, "groups"),
        agent=claims.client,
    )


class TokenCheck:
    """ASGI middleware: nothing passes without a token made for this server."""

    def __init__(
        self, app: ASGIApp, *, keys: KeySource, issuer: str, resource: str, callers: frozenset[str]
    ) -> None:
        self.app = app
        self.keys = keys
        self.issuer = issuer
        self.resource = resource
        self.callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/healthz":
            await self.app(scope, receive, send)
            return
        try:
            become(await self._check(scope))
        except TokenError as error:
            log.info("refused", extra={"code": "invalid_token", "reason": str(error)})
            refusal = JSONResponse(
                {"error": "invalid_token"},
                401,
                {"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
            await refusal(scope, receive, send)
            return
        except KeysUnavailableError:
            log.warning("refused", extra={"code": "issuer_unavailable"})
            unavailable = JSONResponse(
                {"error": "temporarily_unavailable"}, 503, {"Retry-After": "5"}
            )
            await unavailable(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _check(self, scope: Scope) -> Caller:
        found = [value for key, value in scope["headers"] if key == b"authorization"]
        if len(found) != 1:
            raise TokenError("no token, or several")
        scheme, _, token = found[0].decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenError("scheme")
        claims = await verify(token, self.keys, self.issuer)
        if claims.audience != (self.resource,):
            raise TokenError("audience")
        if claims.client not in self.callers:
            raise TokenError("asked for by another client than the gateway")
        return from_claims(claims)
