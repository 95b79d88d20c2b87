"""L15: a way through the gateway that leaves no trace. Every line of the page is asked for."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from house.asks import GOOD, body_of, result_of, until
from house.backends import answers, counted_server
from house.conftest import Opened
from house.house import META, House
from house.particular import LOCK, POLICY, a_particular_server
from house.wire import Wire
from people import Issuer

from mcp_gateway.listing import aside
from mcp_gateway.rights.authorize import FAMILIES
from mcp_gateway.tasks import requests

PAGE = Path(__file__).parents[2] / "playbook" / "reviewers" / "what-is-recorded.md"
HEADS = ("what came of it", "what was done with a task", "method", "request", "path")
METHOD = re.compile(r"[a-z]+/[a-zA-Z/]+|initialize|ping")
Ask = Callable[[House], Awaitable[Any]]


def lines() -> dict[str, str]:
    """By what is asked, what the page says is then on the record."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {key.strip("`"): "" if said == "–" else said for key, said in rows if key not in HEADS}


def called(name: str, arguments: dict[str, Any], **more: Any) -> Ask:
    return lambda home: home.call(name, arguments, **more)


def posted(method: str, params: dict[str, Any] | None = None, **more: Any) -> Ask:
    return lambda home: home.post(method, params, **more)


def got(path: str) -> Ask:
    return lambda home: home.http.get(path)


async def limited(home: House) -> None:
    """Until the limit; what went before is not of this line."""
    for _ in range(2):
        await home.call(GOOD["name"], GOOD["arguments"], person="dee")
    home.mark += len(await home.records())
    await home.call(GOOD["name"], GOOD["arguments"], person="dee")


async def left(home: House) -> None:
    params = {"name": "numbers_wait_long", "arguments": {"seconds": 20}, "_meta": META}
    headers = home.headers("tools/call", name="numbers_wait_long")
    wire = Wire(home.gateway, headers, [body_of(params=params)])
    running = asyncio.create_task(wire.run())
    await until(lambda: len(home.server.calls) == 1)
    wire.leave.set()
    await asyncio.wait_for(running, 5)


async def nonsense(home: House) -> None:
    home.server.behave = answers(b"no JSON at all")
    await home.call(GOOD["name"], GOOD["arguments"])


async def broken(home: House) -> None:
    """A bug behind the intent: the forwarding step raises what nobody foresaw."""
    assert home.gateway.edge is not None
    pipeline = home.gateway.edge.pipeline
    forward = pipeline.steps.forward

    async def bug(*_: Any) -> Any:
        raise ZeroDivisionError

    pipeline.steps.forward = bug  # type: ignore[assignment]
    try:
        with pytest.raises(ZeroDivisionError):
            await home.call(GOOD["name"], GOOD["arguments"])
    finally:
        pipeline.steps.forward = forward


async def listened(home: House) -> None:
    params = {"notifications": {"toolsListChanged": True}, "_meta": META}
    wire = Wire(
        home.gateway,
        home.headers("subscriptions/listen"),
        [body_of(method="subscriptions/listen", params=params)],
    )
    running = asyncio.create_task(wire.run())
    await asyncio.wait_for(wire.first.wait(), 5)
    wire.leave.set()
    await asyncio.wait_for(running, 5)


def legacy(method: str, params: dict[str, Any]) -> Ask:
    return lambda home: home.legacy(method, params)


ASKED: dict[str, Ask] = {
    "a tool answered": called(GOOD["name"], GOOD["arguments"]),
    "a prompt was read": posted(
        "prompts/get", {"name": "numbers_sum_up", "arguments": {"of": "pi"}}
    ),
    "a resource was read": posted("resources/read", {"uri": "numbers://digits/1"}),
    "the tool said no": called(GOOD["name"], {"numbers": [], "style": "roman"}),
    "the arguments break the schema": called(GOOD["name"], {"numbers": ["x"]}),
    "no right to it": called("numbers_note_number", {}, person="dee"),
    "no such name": called("numbers_nothing", {}),
    "a limit was reached": limited,
    "the time ran out": called("numbers_wait_long", {"seconds": 30}),
    "the caller left": left,
    "the server gave nonsense": nonsense,
    "a fault of the gateway's own": broken,
    "tools/list": posted("tools/list"),
    "prompts/list": posted("prompts/list"),
    "resources/list": posted("resources/list"),
    "resources/templates/list": posted("resources/templates/list"),
    "server/discover": posted("server/discover"),
    "subscriptions/listen": listened,
    "initialize": legacy(
        "initialize",
        {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    ),
    "ping": legacy("ping", {}),
    "logging/setLevel": legacy("logging/setLevel", {"level": "info"}),
    "without a token": posted("tools/list", headers={"authorization": None}),
    "a body that is no JSON": posted("tools/list", body=b"{"),
    "a body that is too large": posted("tools/list", body=b" " * 5_000_000),
    "a method nobody knows": posted("tools/burn"),
    "an endpoint that is not there": lambda home: home.http.post(
        "/servers/nowhere/mcp", content=body_of(), headers=home.headers("tools/call")
    ),
    "another verb than POST": got("/mcp"),
    "/healthz": got("/healthz"),
    "/readyz": got("/readyz"),
    "/metrics": got("/metrics"),
    "/.well-known/oauth-protected-resource": got("/.well-known/oauth-protected-resource"),
}
ELSEWHERE = {"the ledger is down", "completion/complete"}  # each needs a house of its own


def spelt(record: dict[str, Any], said: str) -> str:
    """A record in the page's words, as exactly as the page is."""
    if record["kind"] == "event":
        return f"event {record['reason']}"
    if record["kind"] == "intent":
        return "intent"
    reason = f"/{record['reason']}" if f"{record['status']}/" in said else ""
    return f"{record['kind']} {record['status']}{reason}"


@pytest.mark.parametrize("line", ASKED)
async def test_L15_what_is_done_is_on_the_record_as_the_page_says(home: House, line: str) -> None:
    said = lines()[line]
    await ASKED[line](home)
    expected = said.split(", ") if said else []
    found = await home.settled(len(expected))
    assert [spelt(one, said) for one in found] == expected


async def test_L15_with_the_ledger_down_the_gap_is_on_the_record_afterwards(
    server: Any, opened: Opened
) -> None:
    async with opened(server) as home:
        ledger = home.gateway.ledger
        assert ledger is not None
        ledger._fault = "down, says the test"
        assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 503
        assert await home.records() == []
        assert server.calls == []
        ledger._fault = None
        assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 200
        (gap,) = await home.settled(1, kind="event", reason="ledger_gap")
        assert gap["refused"] == 1


async def test_L15_a_completion_is_not_on_the_record(issuer: Issuer, opened: Opened) -> None:
    of = {"name": "of", "value": "p"}
    asked = {"ref": {"type": "ref/prompt", "name": "numbers_sum_up"}, "argument": of}
    async with (
        counted_server(issuer, a_particular_server()) as numbers,
        opened(numbers, policies={"numbers": POLICY}, locks={"numbers": LOCK}) as home,
    ):
        assert result_of(await home.post("completion/complete", asked))["completion"]
        home.mark += len([one for one in await home.records() if one["kind"] == "event"])
        assert lines()["completion/complete"] == ""
        assert await home.records() == []


def test_L15_every_line_of_the_page_is_asked_for_and_every_method_has_its_line() -> None:
    from house import test_tasks_record

    page = lines()
    assert set(page) == set(ASKED) | ELSEWHERE | set(test_tasks_record.ASKED)
    text = PAGE.read_text("utf-8")
    source = Path(aside.__file__).read_text("utf-8")
    known = {
        *FAMILIES,
        *requests.METHODS,
        *aside.RESOURCE_LISTS,
        "subscriptions/listen",
        "tools/list",
        "prompts/list",
    }
    known |= {one for one in re.findall(r'"([a-z/A-Z]+)"', source) if METHOD.fullmatch(one)}
    assert not {one for one in known if f"`{one}`" not in text}
