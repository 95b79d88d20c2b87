"""O: the issuer's own part: redirects, PKCE, consent, registration, and what its tokens are worth here.

`IDENTITY=keycloak` runs this file against Keycloak itself; the gateway in front is the same.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from attacks.between import watched
from attacks.forge import challenge, listener, signed_in
from attacks.oracle import Told, unharmed
from attacks.test_oauth_metadata import REALM, addresses_of
from browser import Browser, Pkce, callback
from house.asks import GOOD, result_of, tool_error
from house.backends import Counted
from house.conftest import Opened
from house.house import House
from identity import real_keycloak, signing_keys
from identity.test_redirect_uri import REFUSED
from people import Issuer, running_issuer

from mcp_shared.tokens import LAST_GOOD_SECONDS, REFETCH_SECONDS

SERVERS = ("numbers", "letters")
PEOPLES = [one for one in REALM["clients"] if one["standardFlowEnabled"]]
BACK = "http://127.0.0.1:43123/callback"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    folder = tmp_path_factory.mktemp("issuer")
    made = real_keycloak.running_keycloak if real_keycloak.chosen() else running_issuer
    with made(folder, servers=SERVERS) as it:
        yield it


@pytest_asyncio.fixture
async def told(server: Counted, opened: Opened) -> AsyncIterator[Told]:
    """The gateway before which all this happens stays as it was."""
    async with judged(server, opened, records=0) as (_, heard):
        yield heard


@asynccontextmanager
async def judged(
    server: Counted, opened: Opened, **oracle: Any
) -> AsyncIterator[tuple[House, Told]]:
    async with opened(server) as home:
        # a first sign-in takes Keycloak its time; how long one takes is not what is judged here
        result_of(await home.call(GOOD["name"], GOOD["arguments"]))
        async with unharmed(home, **oracle) as told:
            yield home, told


def nowhere(answer: httpx2.Response) -> bool:
    """The person sees a page; nothing is sent on."""
    return answer.status_code == 400 and "location" not in answer.headers


async def test_O04_a_redirect_that_only_resembles_the_registered_one_is_none(
    told: Told, issuer: Issuer
) -> None:
    browser = Browser(issuer)
    openly = [f"{BACK}?next=https://evil.example", f"{BACK}/redirect?to=https://evil.example"]
    for uri in (*REFUSED, *openly, "https://ok@evil.example/callback", f"{BACK}%2f..%2fevil", None):
        assert nowhere(told.answer(browser.open(redirect_uri=uri))), uri
    console = f"{issuer.gateway}/console/callback"
    for uri in (
        console.replace("localhost", "127.0.0.1"), console.replace(":8080", ""), f"{console}/",
        console.replace(":8080", ":8081"), console.replace(":8080", ":*"), f"{console}?x=1",
        console.replace("http:", "https:"), f"{console}.evil.example",
    ):  # fmt: skip
        there = Browser(issuer, "mcp-console", uri)
        assert nowhere(told.answer(there.open(scope="openid"))), uri
    # the realm that is shipped: whole addresses, each of them written out
    for client in PEOPLES:
        for uri in client["redirectUris"]:
            assert not set("*#?@\\") & set(uri), uri
    assert not [one for one in REALM["clients"] if one["implicitFlowEnabled"]]


async def test_O05_no_code_without_s256_and_none_for_another_verifier(
    told: Told, issuer: Issuer
) -> None:
    browser = Browser(issuer)
    weak: list[dict[str, str | None]] = [
        {"code_challenge": None, "code_challenge_method": None}, {"code_challenge": None},
        {"code_challenge_method": "plain"}, {"code_challenge_method": None}, {"code_challenge": ""},
        {"code_challenge_method": "s256"}, {"code_challenge_method": "S512"},
        {"code_challenge": browser.pkce.verifier, "code_challenge_method": "plain"},
        {"code_challenge": "too-short"},
    ]  # fmt: skip
    for changes in weak:
        back = callback(told.answer(browser.open(**changes)))
        assert back["error"] == "invalid_request", changes
        assert "code" not in back
    # a code that was stolen on its way: by another browser, another client, or without a proof
    thief = Browser(issuer, pkce=Pkce())
    proofs: list[dict[str, Any]] = [
        {},
        {"code_verifier": None},
        {"code_verifier": ""},
        {"code_verifier": "short"},
    ]
    for changes in proofs:
        stolen = browser.sign_in("ben")["code"]
        assert told.answer(thief.redeem(stolen, **changes)).status_code == 400
        assert "access_token" not in thief.redeem(stolen).text
    verifier = browser.pkce.verifier
    for client_id in ("claude-code", "mcp-dev-cli"):
        stolen = browser.sign_in("ben")["code"]
        answer = told.answer(thief.redeem(stolen, client_id=client_id, code_verifier=verifier))
        assert answer.status_code in {400, 401}
        assert "access_token" not in answer.text
    (policy,) = REALM["clientPolicies"]["policies"]
    assert policy["enabled"]
    assert policy["conditions"] == [{"condition": "any-client", "configuration": {}}]
    for client in PEOPLES:
        assert client["attributes"]["pkce.code.challenge.method"] == "S256"


async def test_O06_a_consent_given_to_one_client_is_none_for_another(
    told: Told, issuer: Issuer
) -> None:
    browser = Browser(issuer)
    assert browser.sign_in("ana")["code"]
    # the same person, in the same browser, a moment later; never straight to a code
    for client_id, uri in (
        ("claude-code", "http://localhost:54545/callback"), ("codex-cli", "http://127.0.0.1:1455/callback"),
    ):  # fmt: skip
        page = told.answer(browser.open(client_id=client_id, redirect_uri=uri))
        assert not page.headers.get("location", "").startswith(uri)
        assert "code=" not in page.headers.get("location", "")


async def test_O09_the_issuer_fetches_no_client_from_an_address(told: Told, issuer: Issuer) -> None:
    async with listener() as (port, connections):
        for address in addresses_of(port):
            for uri in (BACK, address):
                browser = Browser(issuer, address, uri)
                assert nowhere(told.answer(browser.open())), address
            answer = told.answer(issuer.ask(grant_type="client_credentials", client_id=address))
            assert answer.status_code in {400, 401}
        assert connections == []
    found = httpx2.get(f"{issuer.url}/.well-known/openid-configuration").json()
    assert not found.get("client_id_metadata_document_supported")


async def test_O12_nobody_registers_a_client_for_themselves(told: Told, issuer: Issuer) -> None:
    back = {"redirect_uris": ["https://evil.example/cb"], "client_name": "Helpful"}
    places = {
        f"{issuer.url}/clients-registrations/openid-connect": back,
        f"{issuer.url}/clients-registrations/default": {
            "clientId": "helpful",
            "publicClient": True,
        },
    }
    found = httpx2.get(f"{issuer.url}/.well-known/openid-configuration").json()
    assert found.get("registration_endpoint") in {None, *places}
    for place, client in places.items():
        for more in (
            {},
            {"authorization": f"Bearer {issuer.token('ana')}"},
            {"x-forwarded-for": "127.0.0.1"},
        ):
            answer = told.answer(httpx2.post(place, json=client, headers=more))
            assert answer.status_code in {401, 403, 404, 405}, (place, answer.text)
            assert "client_secret" not in answer.text
    assert nowhere(told.answer(Browser(issuer, "helpful").open()))
    # the realm opens no such door: no trusted host, no initial access token
    policies = REALM.get("components", {})
    assert not [one for one in policies if "ClientRegistrationPolicy" in one]
    assert "initialAccessTokens" not in json.dumps(REALM)


async def offered(home: House, told: Told, token: str) -> httpx2.Response:
    said = {"authorization": f"Bearer {token}"}
    told.secrets[f"token {len(told.secrets)}"] = token.encode()
    return told.answer(await home.call(GOOD["name"], GOOD["arguments"], headers=said))  # type: ignore[no-any-return]


async def test_T08_T13_T14_what_else_the_issuer_hands_out_opens_nothing(
    server: Counted, opened: Opened, issuer: Issuer
) -> None:
    """A token without audience, the ID token, the refresh token: as this issuer really makes them."""
    async with judged(server, opened, records=0) as (home, told):
        tokens = signed_in(issuer)
        host = Browser(issuer).tokens("ana", scope="openid")
        for token in (
            issuer.token("ana", "openid"), tokens["id_token"], tokens["refresh_token"],
            host["access_token"], host["id_token"], host["refresh_token"],
        ):  # fmt: skip
            answer = await offered(home, told, token)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == challenge("", "invalid_token")


async def test_T24_after_the_end_of_a_session_no_server_is_opened_any_more(
    server: Counted, opened: Opened, issuer: Issuer
) -> None:
    async with judged(server, opened, records=3, upstream=1) as (home, told):
        for end in ("revoke", "logout"):
            tokens = signed_in(issuer)
            name = {"revoke": "token", "logout": "refresh_token"}[end]
            brought = {"revoke": tokens["access_token"], "logout": tokens["refresh_token"]}[end]
            ended = issuer.post(end, client_id="mcp-dev-cli", **{name: brought})
            assert ended.status_code in {200, 204}
            answer = await offered(home, told, tokens["access_token"])
            assert tool_error(answer)[1]["code"] == "exchange_refused"
        assert result_of(await offered(home, told, issuer.token("ana")))["content"]


async def test_T25_a_new_key_counts_after_one_question_and_a_removed_one_no_more(
    server: Counted, opened: Opened, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with judged(server, opened, records=0) as (home, told):

        async def listed(token: str) -> int:
            said = {"authorization": f"Bearer {token}"}
            return int(told.answer(await home.post("tools/list", headers=said)).status_code)

        keys = watched(home)
        known, unseen, late = (issuer.token("ana") for _ in range(3))
        assert await listed(known) == 200
        signing_keys.replace(issuer)  # another one signs; the one before is still published
        keys.ahead += REFETCH_SECONDS + 1
        assert [await listed(issuer.token("ana")) for _ in range(2)] == [200, 200]
        assert keys.asked == 1
        assert await listed(unseen) == 200
        signing_keys.withdraw(issuer)  # and nobody has come with a newer one yet
        keys.ahead += LAST_GOOD_SECONDS / 4 + 1
        assert await listed(late) == 401
        assert keys.asked == 2
        assert await listed(issuer.token("ana")) == 200
        # who was let in before stays until the token ends, and no longer than any other
        assert await listed(known) == 200
        assert keys.asked <= 3  # one more where another key has been made
        home._tokens.clear()  # signed with a key that is gone by now
        # for the server, too, the half minute has passed
        monkeypatch.setattr("mcp_shared.tokens.REFETCH_SECONDS", 0)
