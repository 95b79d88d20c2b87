"""Tokens for servers: asked for once for all who wait, kept while they last, never shared."""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs

import pytest
from gateway.made import a_principal
from joserfc import jwk, jwt

from mcp_gateway.identity.exchange import Exchange
from mcp_gateway.refusals import Refusal
from mcp_gateway.upstream.outbound import Outbound, UnreachableError

KEY = jwk.RSAKey.generate_key(2048)
KEY.ensure_kid()
ENDPOINT = "http://localhost:8080/mcp"
RESOURCE = "http://one.internal/mcp"


@dataclass
class Said:
    status: int
    body: bytes

    async def read(self, limit: int) -> bytes:
        assert len(self.body) < limit
        return self.body


@dataclass
class Issuer:
    """A token endpoint: it counts, it may be slow, away or unwilling."""

    status: int = 200
    body: bytes | None = None
    lasts: float = 300
    away: bool = False
    go: asyncio.Event = field(default_factory=asyncio.Event)
    forms: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.go.set()

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> AbstractContextManager[Said]:
        assert (url, headers["content-type"]) == (
            "http://id/token", "application/x-www-form-urlencoded",
        )  # fmt: skip
        self.forms.append({key: value[0] for key, value in parse_qs(body.decode()).items()})
        number = len(self.forms)
        await self.go.wait()
        if self.away:
            raise UnreachableError
        document = {"access_token": f"token {number}", "expires_in": self.lasts}
        body = self.body if self.body is not None else json.dumps(document).encode()
        return nullcontext(Said(self.status, body))


def exchange(issuer: Issuer) -> Exchange:
    return Exchange(
        client=cast("Outbound", issuer), token_url="http://id/token", issuer="http://id", key=KEY
    )


async def ask(made: Exchange, username: str = "ana", **changed: Any) -> str:
    asked = {"endpoint": ENDPOINT, "server": "one", "resource": RESOURCE} | changed
    return await made.token(a_principal(username=username), **asked)


async def test_fifty_at_once_are_one_exchange() -> None:
    issuer = Issuer()
    issuer.go.clear()
    made = exchange(issuer)
    waiting = [asyncio.create_task(ask(made)) for _ in range(50)]
    await asyncio.sleep(0)
    issuer.go.set()
    assert await asyncio.gather(*waiting) == ["token 1"] * 50
    assert await ask(made) == "token 1"
    assert len(issuer.forms) == 1


async def test_what_is_asked_is_rfc_8693_with_the_gateways_own_key() -> None:
    issuer = Issuer()
    await ask(exchange(issuer))
    (form,) = issuer.forms
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
    assert (form["subject_token"], form["audience"], form["scope"]) == (
        "token-of-ana",
        RESOURCE,
        "srv:one",
    )
    assert form["client_id"] == ENDPOINT
    claims = jwt.decode(form["client_assertion"], KEY, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ENDPOINT, ENDPOINT, "http://id")
    assert 0 < claims["exp"] - time.time() <= 30
    assert "client_secret" not in form


async def test_every_person_endpoint_and_server_has_a_token_of_its_own() -> None:
    issuer = Issuer()
    made = exchange(issuer)
    tokens = {
        await ask(made),
        await ask(made, "ben"),
        await ask(made, server="two"),
        await ask(made, endpoint=f"{ENDPOINT}/x"),
        await made.own_token(ENDPOINT, "one"),
    }
    assert len(tokens) == 5
    assert issuer.forms[-1]["grant_type"] == "client_credentials"
    assert "subject_token" not in issuer.forms[-1]


async def test_a_leader_who_leaves_does_not_strand_the_others() -> None:
    issuer = Issuer()
    issuer.go.clear()
    made = exchange(issuer)
    leader, *others = [asyncio.create_task(ask(made)) for _ in range(5)]
    await asyncio.sleep(0.01)
    leader.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leader
    issuer.go.set()
    assert await asyncio.gather(*others) == ["token 1"] * 4
    assert len(issuer.forms) == 1


async def test_all_who_wait_may_leave() -> None:
    issuer = Issuer(away=True)
    issuer.go.clear()
    made = exchange(issuer)
    waiting = [asyncio.create_task(ask(made)) for _ in range(3)]
    await asyncio.sleep(0.01)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    issuer.go.set()
    await asyncio.sleep(0.01)
    issuer.away = False
    assert await ask(made) == "token 2"


async def test_a_refusal_is_shared_by_those_who_wait_and_not_kept() -> None:
    issuer = Issuer(status=400, body=b'{"error":"access_denied"}')
    issuer.go.clear()
    made = exchange(issuer)
    waiting = [asyncio.create_task(ask(made)) for _ in range(10)]
    await asyncio.sleep(0)
    issuer.go.set()
    for one in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(one, Refusal)
        assert (one.code, one.reason) == ("exchange_refused", "exchange:access_denied")
        assert "access_denied" not in (one.tool_text or "") + one.message
    issuer.status, issuer.body = 200, None
    assert await ask(made) == "token 2"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, b"{}", "issuer_unavailable"),
        (503, b'{"error":"x"}', "issuer_unavailable"),
        (502, b"<html>", "issuer_unavailable"),
        (200, b"<html>", "issuer_unavailable"),
        (200, b"[]", "issuer_unavailable"),
        (200, b"{}", "exchange_refused"),
        (200, b'{"access_token":5}', "exchange_refused"),
        (302, b"{}", "exchange_refused"),
        (401, b'{"error":"invalid_client"}', "exchange_refused"),
    ],
)
async def test_what_is_no_token_is_none(status: int, body: bytes, code: str) -> None:
    made = exchange(Issuer(status=status, body=body))
    with pytest.raises(Refusal) as caught:
        await ask(made)
    assert caught.value.code == code


async def test_a_token_is_given_up_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(lasts=60)
    made = exchange(issuer)
    now = time.time()
    assert await ask(made) == "token 1"
    monkeypatch.setattr("mcp_gateway.identity.exchange.time.time", lambda: now + 40)
    assert await ask(made) == "token 1"
    monkeypatch.setattr("mcp_gateway.identity.exchange.time.time", lambda: now + 50)
    assert await ask(made) == "token 2"


async def test_only_so_many_tokens_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.identity.exchange.CACHED_TOKENS", 3)
    made = exchange(Issuer())
    for count in range(6):
        await ask(made, f"person{count}")
    assert len(made._tokens) == 3
