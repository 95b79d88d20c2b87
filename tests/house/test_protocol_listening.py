"""subscriptions/listen: who hears of which change, and when a stream ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from house.asks import body_of, error_of, until
from house.backends import Counted
from house.conftest import Opened
from house.house import META, House
from house.wire import Wire, events

from mcp_gateway.listing import listening
from mcp_gateway.listing.listening import MOST_PER_PERSON

ID = "io.modelcontextprotocol/subscriptionId"
ALL = {"toolsListChanged": True, "promptsListChanged": True}


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LOOK_SECONDS", 0.02)


@contextlib.asynccontextmanager
async def listens(
    home: House, wanted: Any = None, person: str = "ana", endpoint: str = ""
) -> AsyncIterator[Wire]:
    headers = home.headers("subscriptions/listen", person=person, endpoint=endpoint)
    params = {"notifications": ALL if wanted is None else wanted, "_meta": META}
    path = f"/servers/{endpoint}/mcp" if endpoint else "/mcp"
    body = body_of(method="subscriptions/listen", params=params)
    wire = Wire(home.gateway, headers, [body], path=path)
    running = asyncio.create_task(wire.run())
    await until(lambda: len(wire.sent) > 1)
    try:
        yield wire
    finally:
        wire.leave.set()
        await running


def told(wire: Wire) -> list[str]:
    return [one.get("method", "the end") for one in events(wire.body)]


def without(home: House, family: Any, name: str) -> None:
    """The operator takes a line out of the policy."""
    rules = dict(home.gateway.policy.rules)
    del rules["numbers", family, name]
    home.gateway.policy = replace(home.gateway.policy, rules=rules)


async def test_a_stream_begins_with_what_it_will_tell_and_carries_its_id(home: House) -> None:
    wanted = {
        **ALL, "resourcesListChanged": True, "resourceSubscriptions": ["numbers://digits/1"],
        "taskIds": ["x"], "unheardOf": True,
    }  # fmt: skip
    for endpoint in ("", "numbers"):
        async with listens(home, wanted, endpoint=endpoint) as wire:
            assert wire.answer_headers["content-type"] == "text/event-stream"
            (first,) = events(wire.body)
            assert first["method"] == "notifications/subscriptions/acknowledged"
            assert first["params"] == {"_meta": {ID: 7}, "notifications": ALL}
    async with listens(home, {"toolsListChanged": False}) as wire:
        assert events(wire.body)[0]["params"]["notifications"] == {}


async def test_a_change_is_told_to_those_whose_lists_it_changes_and_to_no_one_else(
    server: Counted, opened: Opened
) -> None:
    async with (
        opened(server) as home,
        listens(home) as ana,
        listens(home, person="dee") as dee,
        listens(home, {"promptsListChanged": True}) as prompts,
    ):
        without(home, "tool", "note_number")  # dee never had it
        await until(lambda: len(told(ana)) == 2)
        assert told(ana)[1] == "notifications/tools/list_changed"
        assert events(ana.body)[1]["params"] == {"_meta": {ID: 7}}
        without(home, "prompt", "sum_up")
        await until(lambda: len(told(prompts)) == 2)
        assert told(prompts)[1] == "notifications/prompts/list_changed"
        without(home, "tool", "add_numbers")
        await until(lambda: len(told(dee)) == 2)
        assert told(dee)[1] == "notifications/tools/list_changed"
        assert len(told(prompts)) == 2
        listed = (await home.post("tools/list", person="dee")).json()["result"]["tools"]
        assert listed == []


async def test_drift_and_a_closed_tool_are_changes_too(server: Counted, opened: Opened) -> None:
    async with opened(server) as home, listens(home) as wire:
        home.gateway.catalogue.drifted.add(("numbers", "tool", "add_numbers"))
        await until(lambda: len(told(wire)) == 2)
        home.gateway.catalogue.drifted.clear()
        await until(lambda: len(told(wire)) == 3)
        home.gateway.catalogue.closed = frozenset({"numbers_add_numbers"})
        await until(lambda: len(told(wire)) == 4)
        assert set(told(wire)[1:]) == {"notifications/tools/list_changed"}
        # another policy with the same lists is no news
        home.gateway.policy = replace(home.gateway.policy, version="other")
        await asyncio.sleep(0.1)
        assert len(told(wire)) == 4


async def test_a_stream_ends_with_its_token_by_an_empty_result(
    server: Counted, opened: Opened
) -> None:
    async with opened(server) as home:
        assert home.gateway.edge is not None
        made = home.gateway.edge.pipeline.aside.listening
        async with listens(home) as wire:
            made.clock = lambda: 2.0**40
            await until(lambda: told(wire)[-1] == "the end")
            final = events(wire.body)[-1]
            assert final["id"] == 7
            assert final["result"] == {"resultType": "complete", "_meta": {ID: 7}}
        assert not made._streams


async def test_a_person_has_only_so_many_streams_and_leaving_frees_one(home: House) -> None:
    assert home.gateway.edge is not None
    made = home.gateway.edge.pipeline.aside.listening
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(MOST_PER_PERSON):
            await stack.enter_async_context(listens(home))
        refused = await home.post("subscriptions/listen", {"notifications": ALL})
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
        assert error_of(refused)["code"] == -31429
        async with listens(home, person="ben"):
            pass
    await until(lambda: not made._streams)
    async with listens(home):
        pass


async def test_listening_takes_a_stream_and_a_filter(home: House) -> None:
    json_only = {"accept": "application/json"}
    params = {"notifications": ALL}
    response = await home.post("subscriptions/listen", params, headers=json_only)
    assert response.status_code == 406
    for wrong in ({}, {"notifications": None}, {"notifications": ["toolsListChanged"]}):
        response = await home.post("subscriptions/listen", wrong)
        assert (response.status_code, error_of(response)["code"]) == (400, -32602)
    older = await home.legacy("subscriptions/listen", params)
    assert error_of(older)["code"] == -32601
    assert {one["kind"] for one in await home.records()} <= {"event"}  # samples of what was refused


async def test_a_quiet_stream_says_that_it_is_still_there(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_gateway.door.response.QUIET_SECONDS", 0.02)
    async with listens(home) as wire:
        await until(lambda: wire.body.count(b": still here\n\n") > 2)
        assert len(events(wire.body)) == 1


async def test_a_stream_ends_whole_when_its_replica_leaves_and_health_says_so(home: House) -> None:
    async with listens(home) as wire:
        assert (await home.http.get("/healthz")).status_code == 200
        home.gateway.leave()
        await until(lambda: "the end" in told(wire))
        assert events(wire.body)[-1]["result"]["_meta"] == {ID: 7}
    for path in ("/healthz", "/readyz"):
        assert (await home.http.get(path)).status_code == 503, path
    # whoever comes all the same is answered
    assert (await home.post("tools/list")).json()["result"]["tools"]
