"""T: how a token comes to the gateway, and that it goes no further."""

import json
from collections.abc import Iterable
from typing import Any

import httpx2
import pytest
from attacks.forge import GONE, Mint, challenge, offering, reasons_of_refusals
from attacks.oracle import Told, unharmed
from house.asks import GOOD, body_of
from house.house import GATEWAY, META, House
from house.wire import Wire

from mcp_shared.tokens import KeySource

Headers = list[tuple[bytes, bytes]]


def of_a_call(home: House, *authorization: str, **more: str) -> Headers:
    """The headers of a good call, with these Authorization headers instead of its own."""
    made = home.headers("tools/call", name=GOOD["name"]) | more
    kept = [(name.encode(), value.encode()) for name, value in made.items()]
    given = [(b"authorization", value.encode("latin-1")) for value in authorization]
    return [pair for pair in kept if pair[0] != b"authorization"] + given


async def asked(home: House, told: Told, headers: Headers, body: bytes | None = None) -> Wire:
    """Sent as it stands, past every client library."""
    assert home.gateway.edge is not None
    home.gateway.edge.floods.forget()
    wire = await Wire(home.gateway, headers, [body or body_of()]).run()
    told.hear(json.dumps(wire.answer_headers).encode() + wire.body)
    return wire


async def test_T20_a_token_counts_in_the_authorization_header_alone(home: House) -> None:
    token = home.token("ana")
    bare, form = {"authorization": None}, {"content-type": "application/x-www-form-urlencoded"}
    async with unharmed(home, records=0) as told:
        for name in ("access_token", "token", "bearer", "authorization", "Authorization"):
            sent = home.headers("tools/call", name=GOOD["name"])
            del sent["authorization"]
            pair, body = f"{name}={token}", body_of()
            in_body = body_of(**{name: token})
            for query, headers, content in (
                (f"?{pair}", {}, body), (f"?x=1&{pair}", {}, body), (f"#{pair}", {}, body),
                ("", {"cookie": pair}, body), ("", {}, pair.encode()), ("", {}, in_body),
                ("", {f"x-{name}".lower(): token}, body), ("", {"proxy-authorization": f"Bearer {token}"}, body),
            ):  # fmt: skip
                answer = await home.http.post(
                    f"/mcp{query}", content=content, headers=sent | headers
                )
                told.answer(answer)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == challenge("")
            # a form is no message here, and nobody looks for a token in it
            answer = await home.http.post("/mcp", content=pair.encode(), headers=sent | form)
            assert told.answer(answer).status_code == 415
        params = {**GOOD, "_meta": {**META, "access_token": token, "authorization": token}}
        told.answer(answer := await home.post("tools/call", params, headers=bare))
        assert answer.status_code == 401


async def test_T21_exactly_one_bearer_token_is_read(home: House) -> None:
    good, other = home.token("ana"), home.token("dee")
    bearer, second = f"Bearer {good}", f"Bearer {other}"
    no_credentials: Iterable[tuple[str, ...]] = (
        (), ("",), ("Bearer",), ("Bearer ",), (good,), (f"Basic {good}",), ("Basic YW5hOng=",),
        (f"Token {good}",), (f"DPoP {good}",), (f"Bearer{good}",), (f"Bearer\t{good}",),
        (f"Bearer  {good}",), (f"Bearer:{good}",), (f"Bearer={good}",), (f'"Bearer" {good}',),
        (bearer, bearer), (bearer, second), (bearer, "Basic YW5hOng="), ("", bearer), (bearer, ""),
        (f"{bearer}\xa0",), (f"Bearer \x0b{good}",),
    )  # fmt: skip
    wrong_token = (
        f"{bearer}, {second}", f"{bearer},{good}", f"{bearer},", f"{bearer} x", f"{bearer};", f"{bearer}=",
        f"Bearer {good[:-1]}", f"Bearer {good}\x00", "Bearer a, Bearer b", "bearer x",
        f"Bearer Bearer {good}", f'Bearer "{good}"', f"Bearer token={good}",
    )  # fmt: skip
    async with unharmed(home, records=0) as told:
        for given in no_credentials:
            wire = await asked(home, told, of_a_call(home, *given))
            assert wire.status == 401, given
            assert wire.answer_headers["WWW-Authenticate"] == challenge("")
        for one in wrong_token:
            wire = await asked(home, told, of_a_call(home, one))
            assert wire.status == 401, one
            assert wire.answer_headers["WWW-Authenticate"] == challenge("", "invalid_token")
    async with unharmed(home, records=4, upstream=4) as told:
        # the scheme is a word in any case (RFC 9110), and white space around the field is none of it
        for one in (f"bearer {good}", f"BEARER {good}", f"bEARER {good}", f" {bearer}\t"):
            assert (await asked(home, told, of_a_call(home, one))).status == 200


async def test_T22_what_is_fabricated_is_nobody(home: House) -> None:
    made_up = (
        "sk-live-0123456789abcdef", "sk-ant-api03-x", "sk-proj-x", "ghp_x", "xoxb-1", "AIzaSy", "anonymous",
        "null", "undefined", "true", "admin", "master", "a.b.c", "..", ".", "a.b", "a.b.c.d", "a.b.c.d.e",
        "e30.e30.e30", "e30.e30.", "bnVsbA.bnVsbA.bnVsbA", "W10.W10.W10", f"{'W1' * 6_000}.e30.e30",
        "x" * 20_000, "\xff.\xff.\xff", "%00", "' OR 1=1 --", "{}", '{"sub":"ana"}',
    )  # fmt: skip
    keys = {
        "x-api-key": "sk-x",
        "api-key": "sk-x",
        "x-goog-api-key": "x",
        "x-litellm-api-key": "sk-x",
    }
    async with unharmed(home, records=0) as told:
        for one in made_up:
            for more in ({}, keys, {"x-user": "ana", "x-forwarded-user": "ana"}):
                wire = await asked(home, told, of_a_call(home, f"Bearer {one}", **more))
                assert wire.status == 401, one
        assert (await asked(home, told, of_a_call(home, **keys))).status == 401
    async with offering(home) as offered:
        nobody: Any
        for nobody in (GONE, None, "", 5, [], ["ana"], {"sub": "ana"}, True, "x" * 600):
            mint = offered.mint
            await offered.refused(mint.token(sub=nobody), "sub missing")
            await offered.refused(mint.token(azp=nobody), "azp missing")
            await offered.refused(mint.token(preferred_username=nobody), "no person")


async def dead() -> Any:
    raise httpx2.ConnectError("away")


async def garbage() -> Any:
    return {"keys": [{"kty": "oct", "k": "", "kid": "x"}, None, 5, {"kid": "x"}]}


async def empty() -> Any:
    return {}


@pytest.mark.parametrize("fetch", [dead, garbage, empty])
async def test_T22_a_check_that_cannot_be_made_lets_nobody_in(
    home: House, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge, mint = home.gateway.edge, Mint(home.issuer)
    assert edge is not None
    async with unharmed(home, records=0) as told:
        with monkeypatch.context() as patch, reasons_of_refusals() as reasons:
            patch.setattr(edge.pipeline.authenticate, "keys", KeySource(fetch))
            for token in ("sk-live-x", "a.b.c", mint.token(jti="never seen"), mint.token(sub="")):
                wire = await asked(home, told, of_a_call(home, f"Bearer {token}"))
                assert wire.status in {401, 503}
                assert reasons[-1] in {"issuer_unavailable", "not a signed token"}


async def test_T23_no_server_ever_sees_the_callers_token(home: House) -> None:
    mine = home.token("ana")
    home.server.seen.clear()
    meta = {**META, "authorization": f"Bearer {mine}", "dev.example/token": mine}
    more = {
        "cookie": f"t={mine}", "x-forwarded-authorization": mine, "proxy-authorization": f"Bearer {mine}",
        "mcp-session-id": mine, "x-access-token": mine, "x-api-key": mine,
        "tracestate": f"t={mine[:200]}", "baggage": f"token={mine}", "traceparent": mine[:200],
    }  # fmt: skip
    async with unharmed(home, upstream=2, records=2) as told:
        headers = of_a_call(home, f"Bearer {mine}", **more)
        wire = await asked(home, told, headers, body_of(params={**GOOD, "_meta": meta}))
        assert wire.status == 200
        params = {"uri": "numbers://digits/1", "_meta": meta}
        told.answer(await home.post("resources/read", params, headers=more))
        await home.post("resources/list", headers=more)
    parts = [mine, *mine.split(".")[1:]]  # the header is every token's
    seen = home.server.seen
    assert len(seen) >= 3
    for sent, body in seen:
        # a credential of its own: for this server alone, from the gateway
        own = home.issuer.claims(sent["authorization"].removeprefix("Bearer "))
        assert own["aud"] == "http://numbers.internal/mcp"
        assert own["azp"] == f"{GATEWAY}/mcp"
        for part in parts:
            assert part not in json.dumps(sent)
            assert part.encode() not in body
    records = json.dumps(await home.records())
    assert not [part for part in parts if part in records]
