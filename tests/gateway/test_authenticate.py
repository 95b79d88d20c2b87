"""Tokens at the door: who they make, and what is remembered of them. Attacks are in tests/attacks."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from joserfc import jwk
from tokens import ISSUER, a_token, key_set, signing_key

from mcp_gateway.call import Principal
from mcp_gateway.identity.authenticate import Authenticate
from mcp_gateway.refusals import Refusal
from mcp_shared.tokens import LAST_GOOD_SECONDS, REFETCH_SECONDS, KeySource

GATEWAY = "http://localhost:8080"
AUDIENCES = {"": f"{GATEWAY}/mcp", "docs": f"{GATEWAY}/servers/docs/mcp"}


class Keys:
    """The issuer's key set: counts how often it is asked, and can be away or slow."""

    def __init__(self, *keys: jwk.RSAKey) -> None:
        self.keys = list(keys) or [signing_key]
        self.asked = 0
        self.away = False

    async def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise httpx2.ConnectError("away")
        return await key_set(*self.keys)()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def door(keys: Keys | None = None, clock: Clock | None = None) -> Authenticate:
    return Authenticate(
        keys=KeySource(keys or Keys(), clock or time.monotonic),
        issuer=ISSUER,
        audiences=AUDIENCES,
        scopes={"": "aud:mcp", "docs": "aud:docs"},
        metadata={"": f"{GATEWAY}/m", "docs": f"{GATEWAY}/m/docs"},
    )


async def enter(token: str, at: Authenticate | None = None, endpoint: str = "") -> Principal:
    return await (at or door())([f"Bearer {token}"], endpoint)


async def refused(token: str, at: Authenticate | None = None, endpoint: str = "") -> Refusal:
    with pytest.raises(Refusal) as caught:
        await enter(token, at, endpoint)
    assert caught.value.http == 401
    ((name, challenge),) = caught.value.headers
    assert name == "WWW-Authenticate"
    assert challenge.startswith('Bearer error="invalid_token", scope="aud:')
    assert "resource_metadata=" in challenge
    assert caught.value.reason not in challenge
    return caught.value


async def test_a_good_token_is_a_person_and_their_agent() -> None:
    who = await enter(a_token())
    assert (who.username, who.agent) == ("ana", "mcp-dev-cli")
    assert who.roles == {"analyst"}
    assert who.groups == {"analyst", "region-all"}
    assert "token" not in repr(who)


async def test_O16_a_client_of_its_own_is_a_service_and_its_roles_are_not_the_tokens() -> None:
    roles = {"roles": ["analyst"]}
    name = "service-account-nightly"
    service = await enter(a_token(azp="Nightly", preferred_username=name, realm_access=roles))
    assert (service.service, service.agent, service.roles) == (True, "Nightly", frozenset())
    person = await enter(a_token(preferred_username="ana", realm_access=roles))
    assert not person.service
    assert person.roles == {"analyst"}


@pytest.mark.parametrize("azp", ["mcp-host", "nightly2", "service-account-nightly"])
async def test_O16_a_service_account_comes_only_from_its_own_client(azp: str) -> None:
    token = a_token(azp=azp, preferred_username="service-account-nightly")
    assert (await refused(token)).reason == "a service account of another client"


async def test_only_a_verified_token_is_known() -> None:
    at, token = door(), a_token()
    assert not at.knows([f"Bearer {token}"])
    await enter(token, at)
    assert at.knows([f"Bearer {token}"])
    assert not at.knows([f"Bearer {token}", f"Bearer {token}"])
    assert not at.knows([])
    assert not at.knows([f"Bearer {token}x"])


@pytest.mark.parametrize(
    "roles",
    [
        None,
        "analyst",
        {"roles": "analyst"},
        {"roles": {"analyst": 1}},
        {"roles": [5, None, ""]},
        [],
    ],
)
async def test_roles_of_another_form_are_no_roles(roles: Any) -> None:
    assert (await enter(a_token(realm_access=roles))).roles == frozenset()


async def test_an_encryption_key_signs_nothing() -> None:
    odd = jwk.RSAKey.generate_key(2048, {"kid": "k3"})
    await enter(a_token(key=odd), door(Keys(signing_key, odd)))
    published = jwk.RSAKey.import_key({**odd.as_dict(), "use": "enc"})
    await refused(a_token(key=odd), door(Keys(signing_key, published)))


async def test_with_the_issuer_away_known_keys_serve_for_an_hour() -> None:
    keys, clock = Keys(), Clock()
    at = door(keys, clock)
    await enter(a_token(), at)
    keys.away = True
    clock.now += LAST_GOOD_SECONDS - 1
    await enter(a_token(jti="b"), at)
    clock.now += 2
    with pytest.raises(Refusal) as caught:
        await enter(a_token(jti="c"), at)
    assert (caught.value.http, caught.value.code) == (503, "issuer_unavailable")
    keys.away = False
    clock.now += REFETCH_SECONDS + 1
    await enter(a_token(jti="d"), at)


async def test_the_door_remembers_only_so_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.identity.authenticate.CACHED_TOKENS", 3)
    at = door()
    for count in range(6):
        await enter(a_token(jti=f"t{count}"), at)
    assert len(at._verified) == 3
