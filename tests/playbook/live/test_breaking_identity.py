"""Week 3, identity: each check fails at a gateway that breaks its promise."""

from dataclasses import replace

import pytest
from house.backends import listening
from playbook.live.conftest import Through
from playbook.live.meddler import Answered, Asked, Forward, answering
from playbook.live.verdicts import fails, waits

from mcp_playbook.checks import week_3_identity as week
from mcp_playbook.deployment import Deployment

OPEN = b'{"jsonrpc":"2.0","id":1,"result":{"tools":[],"resultType":"complete"}}'


def is_mcp(asked: Asked) -> bool:
    return asked.path.partition("?")[0].endswith("/mcp") and asked.method == "POST"


async def let_in(asked: Asked, forward: Forward) -> Answered:
    """A door that lets everybody in."""
    if is_mcp(asked):
        return Answered(200, {"content-type": "application/json"}, OPEN)
    return await forward(asked)


async def test_W3_01_fails_where_no_token_is_needed(through: Through) -> None:
    async with through(let_in) as broken:
        await fails(week.no_token, broken, "without a token: 200")


async def test_W3_01_fails_where_the_challenge_names_no_metadata(through: Through) -> None:
    async def bare(asked: Asked, forward: Forward) -> Answered:
        answer = await forward(asked)
        return replace(answer, headers={**answer.headers, "www-authenticate": "Bearer"})

    async with through(bare) as broken:
        await fails(week.no_token, broken, "the challenge is 'Bearer'")


async def test_W3_02_fails_where_the_metadata_repeats_the_host(through: Through) -> None:
    async def mirrored(asked: Asked, forward: Forward) -> Answered:
        host = asked.headers["host"]
        answer = await forward(asked)
        return answer if "evil" not in host else replace(answer, body=f'{{"resource":"http://{host}/mcp"}}'.encode())  # fmt: skip

    async with through(mirrored) as broken:
        await fails(week.metadata, broken, "forged Host")


async def test_W3_02_fails_where_the_metadata_names_another_resource(through: Through) -> None:
    async with through(answering(body=b'{"resource":"http://elsewhere/mcp"}')) as broken:
        await fails(week.metadata, broken, "elsewhere")


async def test_W3_03_fails_where_any_audience_is_taken(through: Through, at: Deployment) -> None:
    person = at.people()[0]

    async def careless(asked: Asked, forward: Forward) -> Answered:
        here = [one for one in at.endpoints if one.url.endswith(asked.path)]
        good = await at.token(person, here[0]) if here else None
        return await forward(asked.bearing(good) if good and asked.token else asked)

    async with through(careless) as broken:
        await fails(week.audience, broken, "was taken at")


async def test_W3_04_fails_where_signatures_are_not_checked(through: Through) -> None:
    async def credulous(asked: Asked, forward: Forward) -> Answered:
        return await (let_in if asked.token.count(".") == 2 else _forward)(asked, forward)

    async with through(credulous) as broken:
        await fails(week.forged, broken, "alg none")


async def test_W3_04_fails_where_only_the_signature_is_not_checked(
    through: Through, at: Deployment
) -> None:
    """Unsigned tokens are seen through; an altered one is not."""
    good = await at.token(at.allowed()[0].person, at.endpoints[0])
    assert good

    async def half(asked: Asked, forward: Forward) -> Answered:
        altered = asked.token != good and asked.token.startswith(good.split(".")[0])
        return await (let_in if altered else _forward)(asked, forward)

    async with through(half) as broken:
        await fails(week.forged, broken, "altered in its claims")


async def _forward(asked: Asked, forward: Forward) -> Answered:
    return await forward(asked)


@pytest.mark.parametrize("where", ["in the query", "in a cookie", "under Basic"])
async def test_W3_05_fails_where_a_token_is_read_elsewhere(through: Through, where: str) -> None:
    def found(asked: Asked) -> bool:
        return {
            "in the query": "access_token=" in asked.path,
            "in a cookie": "access_token=" in asked.headers.get("cookie", ""),
            "under Basic": asked.headers.get("authorization", "").startswith("Basic"),
        }[where]

    async def reading(asked: Asked, forward: Forward) -> Answered:
        return await (let_in if found(asked) else _forward)(asked, forward)

    async with through(reading) as broken:
        await fails(week.places, broken, where)


async def test_W3_06_fails_where_a_server_takes_the_callers_token(at: Deployment) -> None:
    async def open_server(scope: object, receive: object, send: object) -> None:
        del scope, receive
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}  # fmt: skip
        await send(start)  # type: ignore[operator]
        await send({"type": "http.response.body", "body": OPEN})  # type: ignore[operator]

    assert at.kit
    async with listening(open_server) as port:
        name = at.backends()[0].name
        kit = replace(at.kit, internal={name: f"http://127.0.0.1:{port}/mcp"})
        await fails(week.ends_here, replace(at, kit=kit), name, "200")


async def test_W3_06_waits_where_no_server_can_be_reached(at: Deployment) -> None:
    assert at.kit
    await waits(week.ends_here, replace(at, kit=replace(at.kit, internal={})), "addresses")


async def test_W3_13_waits_for_an_issuer_with_an_administration(at: Deployment) -> None:
    await waits(week.removed, at, "administration API")


async def test_W3_14_fails_where_the_issuer_begins_without_a_challenge(through: Through) -> None:
    """Metadata of the wrong gateway leads to a wrong issuer: itself."""

    async def lax(asked: Asked, forward: Forward) -> Answered:
        own = f"http://{asked.headers['host']}"
        kind = {"content-type": "application/json"}
        if "oauth-protected-resource" in asked.path:
            said = f'{{"resource":"{own}/mcp","authorization_servers":["{own}"]}}'
            return Answered(200, kind, said.encode())
        if "openid-configuration" in asked.path:
            said = f'{{"code_challenge_methods_supported":["S256"],"authorization_endpoint":"{own}/auth"}}'
            return Answered(200, kind, said.encode())
        if asked.path.startswith("/auth"):
            return Answered(200, {"content-type": "text/html"}, b"<form>")
        return await forward(asked)

    async with through(lax) as broken:
        await fails(week.pkce, broken, "without a challenge was begun")
