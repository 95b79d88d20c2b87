"""The issuer's keys: asked for once by all who wait, and kept while the issuer is away."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from joserfc import jwk
from tokens import ISSUER, a_token, key_set, signing_key

from mcp_shared.tokens import KeySource, KeysUnavailableError, TokenError, names, verify

KID = str(signing_key.kid)


class Issuer:
    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        await asyncio.sleep(0.01)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        found: Mapping[str, Any] = answer
        return found


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def good() -> Mapping[str, Any]:
    return await key_set(signing_key)()


async def test_a_hundred_at_once_ask_once() -> None:
    issuer = Issuer(await good())
    source = KeySource(issuer)
    keys = await asyncio.gather(*(source.key(KID) for _ in range(100)))
    assert len(set(map(id, keys))) == 1
    assert issuer.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ConnectError("x"), httpx2.ReadTimeout("x"), ValueError("not JSON"), TypeError("a list"),
        {}, {"keys": None}, {"keys": "x"}, {"keys": [5]}, {"keys": [{"kty": "RSA"}]}, {"keys": []},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": KID}]},
    ],
    ids=range(11),
)  # fmt: skip
async def test_an_issuer_that_answers_wrongly_has_no_keys(answer: Any) -> None:
    source = KeySource(Issuer(answer))
    with pytest.raises((KeysUnavailableError, TokenError)):
        await source.key(KID)
    assert not source.usable


async def test_what_was_good_stays_when_the_next_answer_is_not() -> None:
    clock = Clock()
    source = KeySource(Issuer(await good(), httpx2.ConnectError("x")), clock)
    assert await source.key(KID)
    clock.now += 1800
    assert await source.key(KID)
    clock.now += 1801
    with pytest.raises(KeysUnavailableError):
        await source.key(KID)


async def test_without_any_key_the_issuer_is_asked_again_soon_but_not_by_everyone() -> None:
    clock = Clock()
    issuer = Issuer(httpx2.ConnectError("x"), httpx2.ConnectError("x"), await good())
    source = KeySource(issuer, clock)
    for _ in range(3):
        with pytest.raises(KeysUnavailableError):
            await source.key(KID)
    assert issuer.asked == 1
    clock.now += 1.1
    with pytest.raises(KeysUnavailableError):
        await source.key(KID)
    clock.now += 1.1
    assert await source.key(KID)
    assert issuer.asked == 3


async def test_one_bad_key_in_the_set_does_not_spoil_the_others() -> None:
    """Keycloak publishes encryption keys beside those that sign."""
    document = await good()
    encrypts = jwk.RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"}).as_dict(private=False)
    odd: list[dict[str, Any]] = [
        encrypts, {"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq", "pub": "x"}, {"kty": "RSA", "kid": "half"},
        {"kty": "RSA", "kid": "n", "n": "!", "e": "AQAB"}, {"kty": "EC", "crv": "P-1", "kid": "c"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "s"}, {}, {**document["keys"][0], "kid": None},
    ]  # fmt: skip
    source = KeySource(Issuer({"keys": [*odd, *document["keys"]]}))
    assert await source.key(KID)
    for key in odd:
        with pytest.raises(TokenError):
            await source.key(str(key.get("kid")))


async def test_an_empty_key_set_does_not_replace_what_was_good() -> None:
    clock = Clock()
    source = KeySource(Issuer(await good(), {"keys": []}), clock)
    assert await source.key(KID)
    clock.now += 1000
    assert await source.key(KID)


async def test_claims_are_what_the_token_says() -> None:
    claims = await verify(a_token(), KeySource(key_set(signing_key)), ISSUER)
    assert (claims.issuer, claims.client, claims.audience) == (
        ISSUER,
        "mcp-dev-cli",
        ("http://localhost:8080/mcp",),
    )
    assert "ana" not in repr(claims)


@pytest.mark.parametrize(
    "raw", [{}, {"a": None}, {"a": {"b": "x"}}, {"a": {"b": {"x": 1}}}, {"a": []}]
)
def test_names_at_a_path_that_is_none_are_none(raw: dict[str, Any]) -> None:
    assert names(raw, "a", "b") == frozenset()


def test_names_are_texts() -> None:
    assert names({"a": {"b": ["x", "", 5, None, "y"]}}, "a", "b") == {"x", "y"}
