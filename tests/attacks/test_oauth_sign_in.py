"""O: the one place where the gateway is an OAuth client that a browser passes: the console's sign-in."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from attacks.between import another_browser, between
from attacks.forge import GONE
from attacks.oracle import unharmed
from gateway.console.test_sign_in import at_the_issuer, come_back
from house.backends import Counted
from house.conftest import Opened
from joserfc.jwk import RSAKey
from people import Issuer

from mcp_gateway.console.issuer import ENDPOINTS, NEEDED, IssuerAwayError
from mcp_gateway.console.issuer import Issuer as Provider

HOME, BEGIN = "/console/", "/console/sign-in"


async def inside(browser: httpx2.AsyncClient) -> bool:
    return (await browser.get("/console/policy")).status_code == 200


async def test_O03_an_answer_that_another_issuer_has_sent_ends_before_its_code_is_used(
    server: Counted, opened: Opened, issuer: Issuer
) -> None:
    others: list[Any] = [
        "https://evil.example/realms/mcp", None, "", f"{issuer.url}/", issuer.url.upper(),
        issuer.url.replace("/mcp", "/other"), issuer.url.replace("localhost", "127.0.0.1"),
        issuer.url.replace("http:", "https:"), f"{issuer.url} ", "null",
    ]  # fmt: skip
    async with between(issuer) as way, opened(server, issuer_internal=way.url) as home:
        async with unharmed(home, records=0) as told:
            for iss in others:
                begun = told.answer(await home.http.get(BEGIN))
                answer = at_the_issuer(issuer, begun.headers["location"], "olu")
                back = told.answer(await come_back(home.http, answer, iss=iss))
                assert back.status_code == 400, iss
            # both names at once, and an error that only claims to be ours
            begun = await home.http.get(BEGIN)
            answer = at_the_issuer(issuer, begun.headers["location"], "olu")
            twice = f"/console/callback?{urlencode(answer)}&iss=https://evil.example"
            assert told.answer(await home.http.get(twice)).status_code == 400
            await home.http.get(BEGIN)
            denied = {**answer, "error": "access_denied", "iss": "https://evil.example"}
            assert "cancelled" not in told.answer(await come_back(home.http, denied)).text
            assert way.redeemed == 0
            assert not await inside(home.http)
        reasons = [one["detail"]["reason"] for one in await home.records(reason="console_refused")]
        assert set(reasons) <= {"iss", "repeated_parameter", "state"}
        begun = await home.http.get(BEGIN)
        answer = at_the_issuer(issuer, begun.headers["location"], "olu")
        assert (await come_back(home.http, answer)).status_code == 303
        assert way.redeemed == 1


async def test_O07_a_sign_in_answer_counts_once_and_in_the_browser_that_asked(
    server: Counted, opened: Opened, issuer: Issuer
) -> None:
    async with (
        between(issuer) as way,
        opened(server, issuer_internal=way.url) as home,
        another_browser(home) as theirs,
        unharmed(home, records=0) as told,
    ):
        mine = home.http
        begun = told.answer(await mine.get(BEGIN))
        answer = at_the_issuer(issuer, begun.headers["location"], "olu")
        kept = dict(mine.cookies)
        # the state is missing, made up, or the code is carried to a browser that asked for none
        for state in (None, "", "forged", answer["state"][:-1], f"{answer['state']}x", "null"):
            mine.cookies.update(kept)
            assert told.answer(await come_back(mine, answer, state=state)).status_code == 400
        twice = f"/console/callback?{urlencode(answer)}&state={answer['state']}"
        assert told.answer(await mine.get(twice)).status_code == 400
        assert told.answer(await come_back(theirs, answer)).status_code == 400
        # or to one that asked for itself: an attacker's account in somebody's browser, and back
        other = at_the_issuer(issuer, (await theirs.get(BEGIN)).headers["location"], "olu")
        assert told.answer(await come_back(theirs, answer)).status_code == 400
        assert way.redeemed == 0
        mine.cookies.update(kept)
        assert told.answer(await come_back(mine, other)).status_code == 400
        assert way.redeemed == 0
        assert not await inside(mine)
        assert not await inside(theirs)
        # once, where it belongs; then never again, also with the cookie of then
        mine.cookies.update(kept)
        assert told.answer(await come_back(mine, answer)).status_code == 303
        assert await inside(mine)
        assert told.answer(await come_back(mine, answer)).status_code == 400
        theirs.cookies.update(kept)
        assert told.answer(await come_back(theirs, answer)).status_code == 400
        assert not await inside(theirs)


ELSEWHERE: list[Any] = [
    "https://evil.example/x", "http://evil.example/x", "javascript:alert(1)", "/x", "http://[", "",
    None, 5, [], GONE,
]  # fmt: skip


def bent_metadata(url: str) -> Iterator[dict[str, Any]]:
    """One member of it is wrong each time."""
    origin = url.partition("/realms/")[0]
    for issuer in (
        "https://evil.example", f"{url}/", url.upper(), url.replace("/mcp", "/other"), [url],
        url.replace("//", "//x."), "", None, GONE,
    ):  # fmt: skip
        yield {"issuer": issuer}
    downgraded = url.replace("https:", "http:") if url.startswith("https") else f"https{url[4:]}"
    near = [f"{origin}@evil.example/x", f"{origin}.evil.example/x", f"{origin}1/x", downgraded]
    for name in ENDPOINTS:
        yield from ({name: address} for address in (*ELSEWHERE, *near))
    for name, value in NEEDED.items():
        for supported in (
            [],
            ["plain"],
            ["implicit"],
            [f"{value} "],
            value,
            {value: 1},
            None,
            GONE,
        ):
            yield {name: supported}


async def test_O11_metadata_of_another_issuer_or_of_weaker_ways_is_refused(
    server: Counted, opened: Opened, issuer: Issuer
) -> None:
    # every way, as it was read; the addresses of an issuer on https never lose their s
    for url in (issuer.url, "https://id.larkfield.example/realms/mcp"):
        key = RSAKey.generate_key(2048)
        provider = Provider(url, internal=None, redirect_uri="https://x.example/cb", key=key)
        right = {"issuer": url, **{name: [value] for name, value in NEEDED.items()}}
        right |= {name: f"{url}/{name}" for name in ENDPOINTS}
        provider._insist({**right, "grant_types_supported": ["authorization_code", "urn:x:new"]})
        for bent in bent_metadata(url):
            with pytest.raises(IssuerAwayError):
                provider._insist({**right, **bent})
    # and on the wire: nobody is sent anywhere, and no code is asked for
    async with (
        between(issuer) as way,
        opened(server, issuer_internal=way.url) as home,
        unharmed(home, records=0) as told,
    ):
        for way.bent in (
            {"issuer": f"{issuer.url}/"}, {"authorization_endpoint": "https://evil.example/auth"},
            {"token_endpoint": "http://evil.example/token"}, {"grant_types_supported": ["implicit"]},
            {"code_challenge_methods_supported": ["plain"]},
        ):  # fmt: skip
            page = told.answer(await home.http.get(BEGIN))
            assert page.status_code == 503, way.bent
            assert "location" not in page.headers
        way.bent = {}
        begun = told.answer(await home.http.get(BEGIN))
        assert begun.headers["location"].startswith(f"{issuer.protocol}/auth?")
        assert way.redeemed == 0
