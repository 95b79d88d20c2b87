"""Kill switches: block, unblock, revoke; from the next call on, on every replica, on the record."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis
from house.asks import GOOD, error_of, result_of, tool_error
from house.backends import Counted
from house.cable import cable
from house.conftest import Opened
from house.house import House, house
from house.operator import Operator
from house.test_outages import through

from mcp_gateway.audit import keys
from mcp_gateway.audit.verify import verify
from mcp_gateway.switches.live import AGAIN_SECONDS
from mcp_local import valkey
from mcp_local.valkey import Valkey

ADD = GOOD["name"]
NOTE = {"number": 1, "idempotency_key": "key-00001"}


@pytest_asyncio.fixture
async def operator(home: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    made = Operator(home, monkeypatch)
    yield made
    await made.open_everything()
    home._tokens.clear()


def of(home: House, patch: pytest.MonkeyPatch) -> Operator:
    return Operator(home, patch)


@contextlib.asynccontextmanager
async def another_replica(home: House, folder: Path) -> AsyncIterator[House]:
    """A second gateway on the same ledger and the same Valkey."""
    async with house(
        folder, home.issuer, home.ledger_url, home.gateway.settings.redis_url,
        *home.servers.values(), migrated=True, replica="gateway-2",
    ) as made:  # fmt: skip
        made.mark = home.mark
        yield made


async def sees(home: House, person: str = "ana") -> list[str]:
    listed = result_of(await home.post("tools/list", person=person))
    return [tool["name"] for tool in listed["tools"]]


async def test_a_blocked_person_is_refused_alike_whatever_they_ask(
    home: House, operator: Operator
) -> None:
    assert (await home.call(ADD, GOOD["arguments"])).status_code == 200
    await operator("block", "--person", "ana", "--reason", "odd calls at night")
    seen = set()
    for tool in (ADD, "numbers_note_number", "letters_count_letters", "numbers_nothing", "x"):
        response = await home.call(tool, GOOD["arguments"])
        assert response.status_code == 403
        error = error_of(response)
        assert error["message"] == "Access is blocked by an operator."
        assert error["data"].pop("dev.mcp-in-production/audit")["leaf"]
        seen.add(json.dumps(error))
        assert "night" not in response.text
    assert len(seen) == 1
    for method, params in (
        ("tools/list", {}), ("prompts/get", {"name": "numbers_sum_up"}), ("server/discover", {}),
        ("resources/read", {"uri": "numbers://digits/1"}), ("resources/list", {}),
    ):  # fmt: skip
        assert (await home.post(method, params)).status_code == 403
    assert (await home.legacy("tools/call", GOOD)).status_code == 403
    assert len(home.server.calls) == 1
    refusals = await home.records(kind="refusal")
    assert len(refusals) == 5 + 2 + 1
    assert {one["reason"] for one in refusals} == {"blocked:person"}
    assert (await home.call(ADD, GOOD["arguments"], person="dee")).status_code == 200
    # a new token changes nothing
    home._tokens.clear()
    assert (await home.call(ADD, GOOD["arguments"])).status_code == 403
    await operator("unblock", "--person", "ana")
    assert (await home.call(ADD, GOOD["arguments"])).status_code == 200


async def test_a_blocked_agent_stops_for_everybody(home: House, operator: Operator) -> None:
    await operator("block", "--agent", "mcp-dev-cli")
    for person in ("ana", "dee"):
        response = await home.call(ADD, GOOD["arguments"], person=person)
        assert (response.status_code, error_of(response)["code"]) == (403, -31403)
    assert not home.server.calls
    await operator("unblock", "--agent", "mcp-dev-cli")
    assert (await home.call(ADD, GOOD["arguments"])).status_code == 200


async def test_a_blocked_tool_is_closed_for_those_who_may_use_it_and_unknown_to_the_others(
    home: House, operator: Operator
) -> None:
    assert "numbers_note_number" in await sees(home)
    await operator("block", "--tool", "numbers_note_number")
    text, said = tool_error(await home.call("numbers_note_number", NOTE))
    assert said["code"] == "closed"
    assert "an operator has closed this tool" in text
    on_its_own = await home.call("note_number", NOTE, endpoint="numbers")
    assert tool_error(on_its_own)[1]["code"] == "closed"
    hidden = await home.call("numbers_note_number", NOTE, person="dee")
    assert error_of(hidden)["message"] == "Unknown tool"
    assert "numbers_note_number" not in await sees(home)
    assert (await home.call(ADD, GOOD["arguments"])).status_code == 200
    assert len(home.server.calls) == 1
    reasons = [one["reason"] for one in await home.records(kind="refusal")]
    assert reasons[0] == "blocked:tool:numbers_note_number"
    assert reasons[2] == "no_role"
    await operator("unblock", "--tool", "numbers_note_number")
    assert (await home.call("numbers_note_number", NOTE)).json()["result"]["structuredContent"]
    assert "numbers_note_number" in await sees(home)


async def test_a_block_for_a_while_opens_by_itself(home: House, operator: Operator) -> None:
    assert " until 20" in await operator("block", "--person", "ana", "--for", "3s")
    assert (await home.call(ADD, GOOD["arguments"])).status_code == 403
    await asyncio.sleep(3.1)
    assert (await home.call(ADD, GOOD["arguments"])).status_code == 200
    assert "person" not in await operator("list")


async def test_a_block_holds_on_every_replica_from_the_next_call_on(
    home: House, operator: Operator, tmp_path: Path
) -> None:
    async with another_replica(home, tmp_path / "second") as second:
        both = (home, second)
        for _ in range(3):
            for one in both:
                assert (await one.call(ADD, GOOD["arguments"])).status_code == 200
            await operator("block", "--person", "ana")
            for one in both:
                assert (await one.call(ADD, GOOD["arguments"])).status_code == 403
            await operator("unblock", "--person", "ana")
    # and a replica that starts later knows it, too
    await operator("block", "--person", "ana")
    async with another_replica(home, tmp_path / "third") as third:
        assert (await third.call(ADD, GOOD["arguments"])).status_code == 403


async def test_a_valkey_that_has_lost_everything_opens_nothing(
    home: House, operator: Operator, valkey_server: Valkey
) -> None:
    await operator("block", "--person", "ana")
    with redis.Redis.from_url(valkey_server.url) as store:
        store.flushall()
        assert (await home.call(ADD, GOOD["arguments"])).status_code == 403
        # rung, and lost before anybody heard it
        await operator("unblock", "--person", "ana")
        store.flushall()
    assert (await home.call(ADD, GOOD["arguments"])).status_code == 200


async def test_with_valkey_dead_a_block_holds_within_seconds(
    server: Counted, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.ExitStack() as own:
        store = own.enter_context(valkey.running(tmp_path / "valkey"))
        async with opened(server, redis_url=store.url) as home:
            assert (await home.call(ADD, GOOD["arguments"])).status_code == 200
            own.close()  # the process ends
            text = await of(home, monkeypatch)("block", "--person", "ana")
            assert "within 2 seconds (Valkey is away)" in text
            started = time.monotonic()
            while (await home.call(ADD, GOOD["arguments"])).status_code != 403:
                assert time.monotonic() - started < AGAIN_SECONDS + 1
                await asyncio.sleep(0.1)
            assert (await home.post("tools/list")).status_code == 403


async def test_without_a_record_nothing_is_switched(
    server: Counted, opened: Opened, postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        cable(postgres_server.port) as ledger,
        opened(server, through=through(ledger.port)) as home,
    ):
        assert (await home.call(ADD, GOOD["arguments"])).status_code == 200
        await ledger.cut()
        said = await of(home, monkeypatch)("block", "--person", "ana", code=1)
        assert "not recorded, so nothing was changed" in said
        await ledger.mend()
        assert await of(home, monkeypatch)("list") == "nothing is blocked\n"


async def test_what_an_operator_does_is_on_the_record_with_who_and_why(
    server: Counted, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server) as home:
        await _blocks_and_unblocks(home, of(home, monkeypatch))


async def _blocks_and_unblocks(home: House, operator: Operator) -> None:
    await operator("block", "--tool", ADD, "--reason", "adds wrongly\x1b[31m", "--for", "2h")
    table = await operator("list")
    assert table.splitlines()[0].split() == ["what", "name", "since", "until", "by", "why"]
    assert ADD in table
    assert "adds wrongly" in table
    assert "\x1b" not in table
    await operator("unblock", "--tool", ADD, "--reason", "mended")
    blocked, unblocked = [
        one for one in await home.records(kind="event") if one["reason"] in {"blocked", "unblocked"}
    ]
    assert blocked["replica"] == "operator"
    assert blocked["detail"]["kind"] == "tool"
    assert blocked["detail"]["name"] == ADD
    assert blocked["detail"]["seconds"] == 7200
    assert " on " in blocked["detail"]["by"]
    assert unblocked["detail"]["why"] == "mended"
    trusted = keys.load_public(home.gateway.settings.keys / keys.PUBLIC_NAME)
    report = await verify(home.gateway.settings.ledger_reader_url, trusted)
    assert report.sound, report


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("block",), "name one of TOOL, AGENT and PERSON"),
        (("block", "--tool", ADD, "--person", "ana"), "name one of TOOL, AGENT and PERSON"),
        (("block", "--tool", "numbers_add"), "there is no tool 'numbers_add'; there are letters_"),
        (("block", "--agent", "Codex"), "there is no agent 'Codex'; there are mcp-dev-cli"),
        (("block", "--person", "ana", "--for", "1 hour"), "expected a time such as 30m, 1h or 2d"),
        (("block", "--person", "ana", "--for", "0s"), "expected a time such as 30m, 1h or 2d"),
        (("block", "--person", "a" * 201), "a name has 200 characters at most"),
        (("unblock", "--person", "ana"), "person ana is not blocked; `make blocks` lists what is"),
        (("revoke",), "name PERSON"),
    ],
)
async def test_a_command_that_would_do_nothing_says_so(
    home: House, operator: Operator, arguments: tuple[str, ...], says: str
) -> None:
    assert says in await operator(*arguments, code=2)
    assert not await home.records(kind="event", reason="blocked")
