"""The service's credential: fetched where settings say, kept while it lives, never repeated."""

import asyncio
import base64
from typing import Any
from urllib.parse import parse_qs

import pytest
from shared.vendor.theirs import TOKEN, Theirs, adapter
from starlette.responses import JSONResponse, RedirectResponse, Response

from mcp_shared.faults import Unavailable
from mcp_shared.vendor.connection import Vendor

ISSUED = "issued-by-their-server"


def client(theirs: Theirs, **more: Any) -> dict[str, Any]:
    """Settings of client credentials; their issuer answers on the same port, at another path."""
    return {
        "token": None, "client_id": "larkfield", "client_secret": "s%cret:of-tests",
        "token_url": f"http://127.0.0.1:{theirs.port}/token", **more,
    }  # fmt: skip


def issues(theirs: Theirs, **said: Any) -> list[bytes]:
    """Answer the token endpoint; gives what it was asked."""
    asked: list[bytes] = []

    def answer(body: bytes) -> Response:
        asked.append(body)
        document = {"access_token": ISSUED, "token_type": "Bearer", "expires_in": 300, **said}
        return JSONResponse({key: value for key, value in document.items() if value is not None})

    theirs.token = ISSUED
    theirs.instead["/token"] = answer
    return asked


async def ask(vendor: Vendor) -> None:
    await vendor.ask("find_deals", {"text": "a"})


async def test_one_token_serves_all_calls(theirs: Theirs) -> None:
    asked = issues(theirs)
    async with adapter(theirs, **client(theirs, scope="deals:read")) as vendor:
        await asyncio.gather(*(ask(vendor) for _ in range(4)))
    assert [parse_qs(body.decode()) for body in asked] == [
        {"grant_type": ["client_credentials"], "scope": ["deals:read"]}
    ]
    [first] = [headers for method, headers, said in theirs.seen if not said and method == "POST"]
    given = base64.b64decode(first["authorization"].removeprefix("Basic ")).decode()
    assert given == "larkfield:s%cret:of-tests"


async def test_a_token_that_was_taken_back_is_replaced_once(theirs: Theirs) -> None:
    asked = issues(theirs)
    async with adapter(theirs, **client(theirs)) as vendor:
        await ask(vendor)
        theirs.token = "another-from-now-on"
        issues(theirs, access_token=theirs.token)
        theirs.token = "another-from-now-on"
        await ask(vendor)
        theirs.token = "and one that nobody issues"
        with pytest.raises(Unavailable):
            await ask(vendor)
    assert len(asked) == 1


async def test_a_token_that_ends_soon_is_not_used_for_long(theirs: Theirs) -> None:
    asked = issues(theirs, expires_in=1)
    async with adapter(theirs, **client(theirs)) as vendor:
        await ask(vendor)
        vars(vendor.auth)["_until"] = 0.0  # as if the second had passed
        await ask(vendor)
    assert len(asked) == 2


@pytest.mark.parametrize(
    "said", [{"access_token": None}, {"token_type": "mac"}, {"access_token": ["a"]}, {"expires_in": "soon"}]
)  # fmt: skip
async def test_an_answer_that_is_no_token_is_not_sent_on(
    theirs: Theirs, said: dict[str, Any]
) -> None:
    issues(theirs, **said)
    async with adapter(theirs, **client(theirs)) as vendor:
        with pytest.raises(Unavailable):
            await ask(vendor)
    assert theirs.methods() == []


async def test_the_secret_follows_no_redirect(theirs: Theirs) -> None:
    theirs.instead["/token"] = lambda _: RedirectResponse("/stolen", 307)
    async with adapter(theirs, **client(theirs)) as vendor:
        with pytest.raises(Unavailable):
            await ask(vendor)
    assert len(theirs.seen) == 1


async def test_a_bearer_is_not_tried_twice(theirs: Theirs) -> None:
    theirs.token = "not ours"
    async with adapter(theirs) as vendor:
        with pytest.raises(Unavailable):
            await ask(vendor)
    assert {headers["authorization"] for _, headers, _ in theirs.seen} == {f"Bearer {TOKEN}"}
    assert len(theirs.seen) == 1
