"""The caller's token ends here: RFC 8693 exchange for one made for a single server, cached per
person.

The gateway signs its client assertion with its one key (private_key_jwt, RFC 7523). An exchange
in flight is shared by all who wait for it; a refusal is never cached as success; tokens are never
logged.
"""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from joserfc import jwk, jwt
from opentelemetry import trace

from mcp_gateway.call import Principal
from mcp_gateway.refusals import Refusal, unavailable
from mcp_gateway.upstream.outbound import BrokenError, Outbound, UnreachableError

MARGIN_SECONDS = 15  # an exchanged token must outlive the call it is used for
ASSERTION_SECONDS = 30
CACHED_TOKENS = 20_000
TIMEOUT_SECONDS = 5.0
MAX_ANSWER = 65_536
FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a type, not a token
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_slices = msgspec.json.Decoder(dict[str, Any]).decode
tracer = trace.get_tracer("mcp_gateway")


class Exchange:
    def __init__(
        self,
        *,
        client: Outbound,
        token_url: str,
        issuer: str,
        key: jwk.Key,
        counted: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._token_url = token_url
        self._issuer = issuer
        self._key = key
        # told how each exchange ended: ok, or the refusal's code
        self._counted = counted
        self._tokens: OrderedDict[tuple[bytes, str, str], tuple[float, str]] = OrderedDict()
        self._waiting: dict[tuple[bytes, str, str], asyncio.Task[str]] = {}

    async def token(self, principal: Principal, endpoint: str, server: str, resource: str) -> str:
        """A token of this person for this server; `endpoint` is the client that asks, by its URL.

        Raises:
            Refusal: the issuer refused or did not answer.

        """
        key = (principal.token_hash, endpoint, server)
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": principal.token,
            "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": ACCESS_TOKEN,
            "audience": resource,
            "scope": f"srv:{server}",
        }
        return await self._cached(key, lambda: self._ask(endpoint, form), principal.expires)

    async def own_token(self, endpoint: str, server: str) -> str:
        """The gateway's own token, to read a server's definitions; it stands for no person."""
        form = {"grant_type": "client_credentials", "scope": f"srv:{server}"}
        return await self._cached((b"", endpoint, server), lambda: self._ask(endpoint, form))

    async def _cached(
        self,
        key: tuple[bytes, str, str],
        ask: Callable[[], Awaitable[tuple[str, float]]],
        not_after: float = float("inf"),
    ) -> str:
        known = self._tokens.get(key)
        if known is not None and known[0] > time.time():
            return known[1]
        if (waiting := self._waiting.get(key)) is None:
            # a task of its own: whoever began it may leave, and the others still get their answer
            waiting = asyncio.create_task(self._fresh(key, ask, not_after))
            self._waiting[key] = waiting
            waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(waiting)

    async def _fresh(
        self,
        key: tuple[bytes, str, str],
        ask: Callable[[], Awaitable[tuple[str, float]]],
        not_after: float,
    ) -> str:
        try:
            token, expires = await ask()
        except Refusal as refusal:
            self._counted(refusal.code)
            raise
        finally:
            del self._waiting[key]
        self._counted("ok")
        self._tokens[key] = (min(expires, not_after) - MARGIN_SECONDS, token)
        if len(self._tokens) > CACHED_TOKENS:
            self._tokens.popitem(last=False)
        return token

    async def _ask(self, endpoint: str, form: dict[str, str]) -> tuple[str, float]:
        now = int(time.time())
        claims = {
            "iss": endpoint, "sub": endpoint, "aud": self._issuer, "iat": now,
            "exp": now + ASSERTION_SECONDS, "jti": uuid.uuid4().hex,
        }  # fmt: skip
        header = {"alg": "RS256", "kid": self._key.kid}
        form |= {
            "client_id": endpoint,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": jwt.encode(header, claims, self._key),
        }
        with tracer.start_as_current_span("token exchange"):
            try:
                data = urlencode(form).encode()
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    with await self._client.post(self._token_url, FORM, data) as reply:
                        document = _slices(await reply.read(MAX_ANSWER))
            except (UnreachableError, BrokenError, TimeoutError, ValueError) as error:
                raise _away() from error
        if reply.status >= 500:
            raise _away()
        if reply.status != 200 or not isinstance(document.get("access_token"), str):
            raise Refusal(
                "exchange_refused",
                "The issuer gave no token for this server.",
                http=502,
                rpc=-32603,
                decision="error",
                reason=f"exchange:{document.get('error', reply.status)}",
                tool_text=(
                    "Unavailable: sign-in gave no access to this server. Nothing was done. "
                    "Tell the person to sign in again, and an operator if that does not help."
                ),
            )
        return document["access_token"], now + float(document.get("expires_in", 60))


def _away() -> Refusal:
    return unavailable("issuer_unavailable", "The sign-in service does not answer.")
