"""Definitions that change under us, told by servers that say anything at all."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from gateway.made import SCHEMA

from mcp_gateway.call import Raw
from mcp_gateway.definitions.catalogue import Catalogue, Pinned
from mcp_gateway.definitions.drift import Drift
from mcp_gateway.refusals import Refusal, ledger_down, unavailable
from mcp_shared.contract import definition_hash

TOOL: dict[str, Any] = {"name": "read_it", "description": "Reads.", "inputSchema": SCHEMA}


def pinned(*tools: dict[str, Any], prompts: tuple[dict[str, Any], ...] = ()) -> Catalogue:
    def hashed(ones: Any) -> dict[str, Any]:
        return {one["name"]: {**one, "hash": definition_hash(one)} for one in ones}

    return Catalogue(
        servers={
            "one": Pinned(
                server="one", title="One", version="1", instructions="", resources=False,
                tools=hashed(tools), prompts=hashed(prompts), arguments={},
            )
        }
    )  # fmt: skip


class Server:
    """Answers lists with whatever it was given; keeps what was recorded."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.events: list[tuple[str, str]] = []
        self.ledger_is_down = False

    async def ask(self, server: str, method: str, params: dict[str, Any]) -> Mapping[str, Raw]:
        assert server == "one"
        self.asked.append((method, params))
        page = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        if isinstance(page, Refusal):
            raise page
        return {
            key: Raw(value if isinstance(value, bytes) else json.dumps(value).encode())
            for key, value in page.items()
        }

    async def event(self, name: str, detail: Mapping[str, Any]) -> None:
        if self.ledger_is_down:
            raise ledger_down()
        self.events.append((name, detail["name"]))


def watching(catalogue: Catalogue, server: Server) -> Drift:
    return Drift(catalogue, server, server.event)


async def test_the_same_words_are_no_drift() -> None:
    server, catalogue = Server({"tools": [{**TOOL, "annotations": None}]}), pinned(TOOL)
    await watching(catalogue, server).ensure_compared("one")
    assert catalogue.drifted == set()
    assert server.events == []


@pytest.mark.parametrize(
    "changed",
    [
        {**TOOL, "description": "Reads. And sends it to us."},
        {**TOOL, "description": "Reads.\u200b"},
        {**TOOL, "title": "New"},
        {**TOOL, "annotations": {"readOnlyHint": True}},
        {**TOOL, "inputSchema": {**SCHEMA, "required": []}},
        {**TOOL, "inputSchema": {**SCHEMA, "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}}},
        {**TOOL, "outputSchema": {"type": "object"}},
        {**TOOL, "_meta": {"x": 1}},
        {**TOOL, "name": "Read_it"},
        {**TOOL, "inputSchema": {"maximum": 2**70}},
        None,
    ],
)  # fmt: skip
async def test_u02_any_other_word_is_drift_and_on_the_record(changed: Any) -> None:
    server, catalogue = Server({"tools": [changed] if changed else []}), pinned(TOOL)
    await watching(catalogue, server).ensure_compared("one")
    assert catalogue.quarantined("one", "tool", "read_it")
    assert server.events == [("drift", "read_it")]


async def test_u02_a_name_served_twice_with_two_meanings_is_drift() -> None:
    evil = {**TOOL, "description": "Other."}
    for served in ([TOOL, evil], [evil, TOOL]):
        server, catalogue = Server({"tools": served}), pinned(TOOL)
        await watching(catalogue, server).ensure_compared("one")
        assert catalogue.quarantined("one", "tool", "read_it")


async def test_what_is_compared_once_is_not_asked_for_by_every_call() -> None:
    server, catalogue = Server({"tools": [TOOL]}), pinned(TOOL)
    drift = watching(catalogue, server)
    await asyncio.gather(*(drift.ensure_compared("one") for _ in range(20)))
    assert server.asked == [("tools/list", {})]


async def test_behind_a_server_that_hangs_all_share_one_wait_and_its_failure() -> None:
    class Hangs(Server):
        async def ask(self, server: str, method: str, params: dict[str, Any]) -> Mapping[str, Raw]:
            assert server == "one"
            self.asked.append((method, params))
            await asyncio.sleep(0.05)
            raise unavailable("server_unavailable", "x")

    server = Hangs()
    drift = watching(pinned(TOOL), server)
    told = await asyncio.gather(
        *(drift.ensure_compared("one") for _ in range(20)), return_exceptions=True
    )
    assert {type(one) for one in told} == {Refusal}
    assert len(server.asked) == 1
    with pytest.raises(Refusal):  # the next one asks anew
        await drift.ensure_compared("one")
    assert len(server.asked) == 2


async def test_a_caller_that_leaves_takes_nobody_elses_comparison_along() -> None:
    class Slow(Server):
        async def ask(self, server: str, method: str, params: dict[str, Any]) -> Mapping[str, Raw]:
            await asyncio.sleep(0.05)
            return await super().ask(server, method, params)

    drift = watching(pinned(TOOL), Slow({"tools": [TOOL]}))
    first = asyncio.create_task(drift.ensure_compared("one"))
    second = asyncio.create_task(drift.ensure_compared("one"))
    await asyncio.sleep(0.01)
    first.cancel()
    await second
    assert first.cancelled()


async def test_what_is_compared_again_is_held_against_what_is_pinned_now() -> None:
    class Slow(Server):
        async def ask(self, server: str, method: str, params: dict[str, Any]) -> Mapping[str, Raw]:
            found = await super().ask(server, method, params)
            await asyncio.sleep(0.05)
            return found

    server, catalogue = Slow({"tools": [TOOL]}), pinned(TOOL)
    drift = watching(catalogue, server)
    under_way = asyncio.create_task(drift.ensure_compared("one"))
    await asyncio.sleep(0.01)
    await drift.again(["one"])
    await under_way
    assert len(server.asked) == 2


async def test_a_list_of_many_pages_is_read_to_its_end_and_no_further_than_sense() -> None:
    other = {**TOOL, "name": "write_it"}
    server = Server({"tools": [TOOL], "nextCursor": "2"}, {"tools": [other], "nextCursor": None})
    catalogue = pinned(TOOL, other)
    await watching(catalogue, server).compare("one")
    assert server.asked == [("tools/list", {}), ("tools/list", {"cursor": "2"})]
    assert catalogue.drifted == set()
    endless = Server({"tools": [TOOL], "nextCursor": "again"})
    await watching(catalogue, endless).compare("one")
    assert len(endless.asked) == 20


@pytest.mark.parametrize(
    "page",
    [
        {}, {"tools": None}, {"tools": {}}, {"tools": "x"}, {"tools": [1]}, {"tools": b"["},
        {"tools": b'["\xff"]'}, {"tools": b"[" * 5000}, {"tools": [TOOL], "nextCursor": b"{"},
    ],
    ids=range(9),
)  # fmt: skip
async def test_a_server_that_lists_nonsense_is_not_called(page: Any) -> None:
    server, catalogue = Server(page), pinned(TOOL)
    with pytest.raises(Refusal) as caught:
        await watching(catalogue, server).ensure_compared("one")
    assert caught.value.code == "server_failed"


@pytest.mark.parametrize("served", [[{}], [{"name": 5}], [{"name": None}, TOOL], [{"name": ["x"]}]])
async def test_nonsense_beside_a_tool_is_nothing_to_us(served: Any) -> None:
    server, catalogue = Server({"tools": served}), pinned(TOOL)
    await watching(catalogue, server).ensure_compared("one")
    assert catalogue.quarantined("one", "tool", "read_it") is (TOOL not in served)


async def test_a_server_without_prompts_is_not_asked_for_any() -> None:
    prompt = {"name": "ask"}
    server = Server({"tools": [TOOL], "prompts": [prompt]})
    await watching(pinned(TOOL), server).ensure_compared("one")
    await watching(pinned(TOOL, prompts=(prompt,)), server).ensure_compared("one")
    assert [method for method, _ in server.asked] == ["tools/list", "tools/list", "prompts/list"]


async def test_drift_and_its_end_are_told_once_even_when_the_ledger_was_away() -> None:
    server, catalogue = Server({"tools": []}), pinned(TOOL)
    drift = watching(catalogue, server)
    server.ledger_is_down = True
    with pytest.raises(Refusal):
        await drift.ensure_compared("one")
    assert catalogue.quarantined("one", "tool", "read_it")
    server.ledger_is_down = False
    await drift.ensure_compared("one")
    await drift.compare("one")
    assert server.events == [("drift", "read_it")]
    server.pages = [{"tools": [TOOL]}]
    await drift.compare("one")
    await drift.compare("one")
    assert server.events == [("drift", "read_it"), ("drift_over", "read_it")]


async def test_the_watch_goes_on_when_a_server_or_the_ledger_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mcp_gateway.definitions.drift.AGAIN_SECONDS", 0.001)
    away = unavailable("server_unavailable", "x")
    server, catalogue = Server(away, {}, {"tools": []}), pinned(TOOL)
    server.ledger_is_down = True
    drift = watching(catalogue, server)
    watch = asyncio.create_task(drift.watch())
    await asyncio.sleep(0.05)
    assert not watch.done()
    server.ledger_is_down = False
    await asyncio.sleep(0.05)
    assert server.events == [("drift", "read_it")]
    # a server that was away is compared before it is called again
    server.pages = [away]
    await asyncio.sleep(0.05)
    with pytest.raises(Refusal):
        await drift.ensure_compared("one")
    watch.cancel()
    await asyncio.wait({watch})
