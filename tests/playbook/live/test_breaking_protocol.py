"""Week 3, protocol: each check fails at a gateway that breaks its promise."""

from dataclasses import replace

import pytest
from playbook.live.conftest import Through
from playbook.live.meddler import Answered, Asked, Forward, answering
from playbook.live.verdicts import fails

from mcp_playbook.checks import week_3_protocol as week
from mcp_playbook.deployment import Deployment
from mcp_playbook.wire import LEGACY

RESULT = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
JSON = {"content-type": "application/json"}


async def test_W3_15_fails_where_the_body_alone_is_read(through: Through, at: Deployment) -> None:
    async def deaf(asked: Asked, forward: Forward) -> Answered:
        wrong = asked.headers.get("mcp-name") == "another_tool"
        return Answered(200, JSON, RESULT) if wrong else await forward(asked)

    async with through(deaf) as broken:
        await fails(week.mirrored, broken, "Mcp-Name other than the body: 200")


@pytest.mark.parametrize(("header", "value"), [("origin", "https://evil.example"), ("host", "evil.example")])  # fmt: skip
async def test_W3_16_fails_where_everybody_may_ask(
    through: Through, header: str, value: str
) -> None:
    async def open_to_all(asked: Asked, forward: Forward) -> Answered:
        if asked.headers.get(header) == value:
            return Answered(200, JSON, RESULT)
        return await forward(asked)

    async with through(open_to_all) as broken:
        await fails(week.rebinding, broken, f"a foreign {header.capitalize()} was answered 200")


async def test_W3_17_fails_where_compressed_bodies_are_read(through: Through) -> None:
    async with through(answering(status=200, body=RESULT)) as broken:
        await fails(week.bodies, broken, "a compressed body was answered 200")


async def test_W3_17_fails_where_a_large_body_is_taken(through: Through) -> None:
    async def patient(asked: Asked, forward: Forward) -> Answered:
        if len(asked.headers.get("content-length", "")) > 7:
            return Answered(202, JSON, b"")
        return await forward(asked)

    async with through(patient) as broken:
        await fails(week.bodies, broken, "64 MiB was answered 202")


@pytest.mark.parametrize(
    ("method", "words"),
    [("server/discover", "server/discover: 404"), ("initialize", "initialize: 404")],
)
async def test_W3_18_fails_where_an_era_is_missing(
    through: Through, method: str, words: str
) -> None:
    async def one_era(asked: Asked, forward: Forward) -> Answered:
        if f'"{method}"'.encode() in asked.body:
            return Answered(404, JSON, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"?"}}')  # fmt: skip
        return await forward(asked)

    async with through(one_era) as broken:
        await fails(week.eras, broken, words)


async def test_W3_18_fails_where_older_clients_are_listed_nothing(through: Through) -> None:
    async def empty(asked: Asked, forward: Forward) -> Answered:
        answer = await forward(asked)
        older = asked.headers.get("mcp-protocol-version") == LEGACY
        return replace(answer, body=RESULT) if older and b"tools/list" in asked.body else answer

    async with through(empty) as broken:
        await fails(week.eras, broken, "lists nothing")


@pytest.mark.parametrize("path", ["/metrics", "/docs", "/.env"])
async def test_W3_19_fails_where_a_debug_page_answers(through: Through, path: str) -> None:
    async def chatty(asked: Asked, forward: Forward) -> Answered:
        return Answered(200, JSON, b"{}") if asked.path == path else await forward(asked)

    async with through(chatty) as broken:
        await fails(week.private, broken, f"{path} answers 200")
