"""In and out of the console, through the development issuer as a process of its own."""

import base64
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from browser import Browser
from gateway.console.conftest import SESSION_KEY, House, client_of
from joserfc import jwt
from joserfc.jwk import RSAKey
from people import Issuer
from starlette.responses import Response
from tokens import key_set

from mcp_gateway.console.app import Console
from mcp_gateway.console.issuer import CLIENT_ID, SignInError
from mcp_gateway.console.issuer import Issuer as Provider
from mcp_gateway.console.session import Begun, Cookies
from mcp_shared.tokens import KeySource


@asynccontextmanager
async def at_the_door(
    house: House, issuer: Issuer, **changes: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    console = house.console(issuer, **changes)
    async with console.running(), client_of(console, issuer.gateway) as client:
        yield client


def at_the_issuer(issuer: Issuer, authorize_url: str, person: str) -> dict[str, str]:
    """Sign in on the issuer's own page; what it sends back."""
    asked = dict(parse_qsl(urlsplit(authorize_url).query))
    there = Browser(issuer, client_id=CLIENT_ID, redirect_uri=asked["redirect_uri"])
    return there.sign_in(person, **asked)


async def come_back(
    client: httpx2.AsyncClient, answer: Mapping[str, str], **changes: str | None
) -> httpx2.Response:
    said = {name: value for name, value in {**answer, **changes}.items() if value is not None}
    return await client.get(f"/console/callback?{urlencode(said)}")


async def sign_in(
    client: httpx2.AsyncClient, issuer: Issuer, person: str, after: str = "/console/"
) -> httpx2.Response:
    begun = await client.get("/console/sign-in", params={"after": after})
    assert begun.status_code == 303
    return await come_back(client, at_the_issuer(issuer, begun.headers["location"], person))


async def test_an_operator_signs_in_and_comes_back_to_the_page_they_wanted(
    house: House, console_issuer: Issuer
) -> None:
    async with at_the_door(house, console_issuer) as client:
        sent_away = await client.get("/console/calls?person=ana")
        assert sent_away.status_code == 303
        after = dict(parse_qsl(urlsplit(sent_away.headers["location"]).query))["after"]
        back = await sign_in(client, console_issuer, "olu", after)
        assert (back.status_code, back.headers["location"]) == (303, "/console/calls?person=ana")
        page = await client.get(back.headers["location"])
    assert page.status_code == 200
    assert "Olu Adeyemi" in page.text
    [(name, detail)] = house.diary.lines
    assert name == "console_sign_in"
    assert (detail["person"], detail["roles"]) == ("olu", ["auditor", "operator"])


async def test_the_session_cookie_is_sealed_and_kept_from_scripts_and_other_sites(
    house: House, console_issuer: Issuer
) -> None:
    async with at_the_door(house, console_issuer) as client:
        back = await sign_in(client, console_issuer, "olu")
    [cookie] = [c for c in back.headers.get_list("set-cookie") if "console-session" in c]
    for attribute in ("HttpOnly", "SameSite=lax", "Path=/console", "Max-Age=28800"):
        assert attribute in cookie
    assert cookie.split("=", 1)[1].startswith("eyJ")
    assert len(cookie) < 4096
    # the sign-in's own cookie is gone with it
    assert any(
        "console-sign-in" in c and "Max-Age=0" in c for c in back.headers.get_list("set-cookie")
    )


@pytest.mark.parametrize("person", ["ana", "dee"])
async def test_others_are_told_why_not_and_it_is_on_the_record(
    house: House, console_issuer: Issuer, person: str
) -> None:
    async with at_the_door(house, console_issuer) as client:
        back = await sign_in(client, console_issuer, person)
        assert back.status_code == 403
        assert "This console is not for you" in back.text
        again = await client.get("/console/calls")
    assert again.status_code == 303
    [(name, detail)] = house.diary.lines
    assert name == "console_refused"
    assert (detail["person"], detail["reason"]) == (person, "no_role")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "forged"}, "state"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"code": None}, "code_missing"),
        ({"code": "forged"}, "code_refused"),
        ({"error": "server_error"}, "issuer_error"),
    ],
)
async def test_an_answer_that_was_changed_on_its_way_lets_nobody_in(
    house: House, console_issuer: Issuer, changes: dict[str, str | None], reason: str
) -> None:
    async with at_the_door(house, console_issuer) as client:
        begun = await client.get("/console/sign-in")
        answer = at_the_issuer(console_issuer, begun.headers["location"], "olu")
        back = await come_back(client, answer, **changes)
        assert back.status_code == 400
        assert (await client.get("/console/calls")).status_code == 303
    assert house.diary.lines == [("console_refused", {"reason": reason})]


async def test_an_id_token_of_another_sign_in_is_refused(
    house: House, console_issuer: Issuer
) -> None:
    """The nonce: a code and its verifier are right, and the token was asked for elsewhere."""
    async with at_the_door(house, console_issuer) as client:
        begun = await client.get("/console/sign-in")
        address = re.sub(r"nonce=[^&]+", "nonce=stolen", begun.headers["location"])
        back = await come_back(client, at_the_issuer(console_issuer, address, "olu"))
    assert back.status_code == 400
    assert house.diary.lines[0][1]["reason"] == "id_token_wrong"


KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})


@pytest.mark.parametrize(
    "bent",
    [
        {"aud": "mcp-host"},
        {"aud": ["mcp-console", "other"], "azp": "other"},
        {"iss": "https://evil.example"},
        {"iss": ["http://issuer.example"]},
        {"exp": 1},
        {"exp": None},
        {"iat": int(time.time()) + 86_400},
        {"nonce": None},
        {"nonce": "other"},
        {"sub": None},
        {"typ": "Bearer"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"kid": "k2"},
    ],
    ids=" ".join,
)
async def test_an_id_token_proves_a_sign_in_only_when_every_claim_is_right(
    bent: dict[str, Any],
) -> None:
    now, url = int(time.time()), "http://issuer.example"
    header = {"alg": "RS256", "kid": bent.get("kid", "k1")}
    claims = {
        "iss": url, "aud": CLIENT_ID, "sub": "s-1", "exp": now + 60, "iat": now, "nonce": "n-1",
        "typ": "ID", **{name: value for name, value in bent.items() if name not in ("alg", "kid")},
    }  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode(header, claims, KEY)
    if bent.get("alg"):
        token = _relabelled(token, bent["alg"])
    provider = Provider(url, internal=None, redirect_uri="http://localhost/cb", key=KEY)
    provider._keys = KeySource(key_set(KEY))
    with pytest.raises(SignInError):
        await provider._person(token, "n-1")
    assert (await provider._person(_good(url, now), "n-1")).subject == "s-1"


def _good(url: str, now: int) -> str:
    claims = {
        "iss": url, "aud": CLIENT_ID, "sub": "s-1", "exp": now + 60, "iat": now, "nonce": "n-1",
    }  # fmt: skip
    return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEY)


def _relabelled(token: str, algorithm: str) -> str:
    header = json.dumps({"alg": algorithm, "kid": "k1"}).encode()
    return ".".join([base64.urlsafe_b64encode(header).rstrip(b"=").decode(), *token.split(".")[1:]])


async def test_cancelling_at_the_issuer_is_said_calmly(
    house: House, console_issuer: Issuer
) -> None:
    async with at_the_door(house, console_issuer) as client:
        begun = await client.get("/console/sign-in")
        asked = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
        back = await come_back(
            client, {"error": "access_denied", "state": asked["state"], "iss": console_issuer.url}
        )
    assert back.status_code == 400
    assert "You cancelled the sign-in." in back.text


async def test_nobody_enters_while_the_ledger_cannot_record_it(
    house: House, console_issuer: Issuer
) -> None:
    house.diary.down = True
    async with at_the_door(house, console_issuer) as client:
        back = await sign_in(client, console_issuer, "olu")
        assert back.status_code == 503
        assert (await client.get("/console/calls")).status_code == 303


async def test_strangers_cannot_fill_the_ledger(house: House, console_issuer: Issuer) -> None:
    async with at_the_door(house, console_issuer) as client:
        for _ in range(40):
            assert (await come_back(client, {"state": "x"})).status_code == 400
    assert len(house.diary.lines) == 10


async def test_signing_out_ends_both_sessions(house: House, console_issuer: Issuer) -> None:
    async with at_the_door(house, console_issuer) as client:
        await sign_in(client, console_issuer, "olu")
        page = (await client.get("/console/policy")).text
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token is not None
        forged = await client.post("/console/sign-out", data={"csrf": "forged"})
        assert forged.status_code == 403
        assert (await client.get("/console/policy")).status_code == 200
        out = await client.post("/console/sign-out", data={"csrf": token[1]})
        assert out.status_code == 303
        assert (await client.get("/console/policy")).status_code == 303
    there = urlsplit(out.headers["location"])
    assert there.path.endswith("/protocol/openid-connect/logout")
    ended = httpx2.get(out.headers["location"])
    assert ended.status_code == 303
    assert ended.headers["location"] == f"{console_issuer.gateway}/console/"
    assert house.diary.lines[-1][0] == "console_sign_out"


async def test_a_dead_issuer_is_said_and_those_inside_go_on(house: House) -> None:
    async with house.visit() as browser:
        page = await browser.get("/console/sign-in")
        assert page.status_code == 503
        assert "The sign-in service does not answer" in page.text
        assert (await browser.get("/console/policy")).status_code == 200


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example/",
        "//evil.example",
        "/console/\\evil",
        "/mcp",
        "/console/\r\nX: y",
        "/console/" + "a" * 600,
    ],
)
async def test_the_way_back_stays_inside(house: House, console_issuer: Issuer, after: str) -> None:
    async with at_the_door(house, console_issuer) as client:
        back = await sign_in(client, console_issuer, "olu", after)
    assert back.headers["location"] == "/console/"


async def test_one_machine_has_one_name(house: House, console_issuer: Issuer) -> None:
    async with at_the_door(house, console_issuer) as client:
        other = console_issuer.gateway.replace("localhost", "127.0.0.1")
        sent = await client.get(f"{other}/console/sign-in?after=/console/calls")
    assert sent.status_code == 307
    assert sent.headers["location"].startswith(f"{console_issuer.gateway}/console/sign-in?")


async def test_a_session_that_an_operator_has_ended_opens_nothing_and_neither_does_a_new_one(
    house: House, console_issuer: Issuer
) -> None:
    out: set[str] = set()
    ended = lambda one: one.person in out  # noqa: E731  changes while the console runs
    async with at_the_door(house, console_issuer, ended=ended) as client:
        await sign_in(client, console_issuer, "olu")
        assert (await client.get("/console/policy")).status_code == 200
        out.add("olu")
        for page in ("/console/policy", "/console/audit", "/console/calls"):
            assert (await client.get(page)).status_code == 303
        again = await sign_in(client, console_issuer, "olu")
        assert again.status_code == 403
        assert "closed the gateway for this account" in again.text
        assert (await client.get("/console/policy")).status_code == 303
    name, detail = house.diary.lines[-1]
    assert (name, detail["person"], detail["reason"]) == ("console_refused", "olu", "blocked")


def test_behind_https_the_cookie_is_bound_to_the_host() -> None:
    response = Response()
    cookies = Cookies(SESSION_KEY, secure=True, ended=lambda _: False)
    cookies.keep_begun(response, Begun("s", "n", "v", "/console/"))
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-mcp-console-sign-in=")
    assert "; Path=/;" in cookie
    assert "; Secure" in cookie


@pytest.mark.parametrize("how", ["cut", "other key", "other purpose", "old", "nonsense"])
async def test_a_cookie_that_is_not_ours_is_no_session(
    house: House, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.visit() as browser:
        [(name, value)] = browser.cookies.items()
        if how == "cut":
            value = value[:-4]
        elif how == "nonsense":
            value = "a.b.c.d.e"
        elif how == "old":
            later = time.time() + 9 * 3600
            monkeypatch.setattr(time, "time", lambda: later)
        elif how == "other purpose":
            browser.cookies.clear()
            name = "mcp-console-sign-in"
        browser.cookies.clear()
        browser.cookies.set(name, value)
        if how == "other key":
            console: Console = house.console(session_key=b"z" * 32)
            async with client_of(console) as other:
                other.cookies.set(name, value)
                page = await other.get("/console/policy")
        else:
            page = await browser.get("/console/policy")
    assert page.status_code == 303


async def test_a_refresh_without_a_session_sends_the_whole_page_to_sign_in(house: House) -> None:
    async with house.visit(roles=None) as browser:
        for address in ("/console/", "/console/calls"):
            answer = await browser.get(address, headers={"HX-Request": "true"})
            assert answer.status_code == 401
            assert answer.headers["hx-refresh"] == "true"


async def test_a_session_without_the_roles_is_refused_everywhere(house: House) -> None:
    async with house.visit(roles=("analyst",)) as browser:
        for address in ("/console/", "/console/calls", "/console/policy", "/console/connect"):
            assert (await browser.get(address)).status_code == 403
