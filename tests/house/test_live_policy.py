"""Policies, agents and lock files are changed while the house stands."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from house.asks import GOOD, error_of, result_of, tool_error
from house.backends import Counted, a_server, changed
from house.conftest import Opened
from house.folders import AGENTS, POLICIES
from house.house import House
from house.test_switches import another_replica

from mcp_shared import serve

ADD = GOOD["name"]
SECONDS = 10.0  # a file is looked at twice a second; a busy machine looks later
CONTRACTOR = POLICIES["numbers"].replace("[analyst, contractor]", "[contractor]")


def folder(home: House) -> Path:
    return home.gateway.settings.config.parent.parent


def policy_of(home: House) -> Path:
    return folder(home) / "servers" / "numbers" / "policy.yaml"


async def events(home: House, name: str, count: int = 1) -> list[dict[str, Any]]:
    deadline = time.monotonic() + SECONDS
    while len(found := await home.records(kind="event", reason=name)) < count:
        assert time.monotonic() < deadline, f"no {name}"
        await asyncio.sleep(0.05)
    return [one["detail"] for one in found]


async def may(home: House, person: str = "ana", tool: str = ADD) -> bool:
    response = await home.call(tool, GOOD["arguments"], person=person)
    if response.status_code == 400:
        assert error_of(response)["message"] == "Unknown tool"
        return False
    return bool(result_of(response)["structuredContent"])


async def test_a_changed_policy_holds_soon_and_says_which_lines_are_others(
    server: Counted, opened: Opened
) -> None:
    async with opened(server) as home:
        assert await may(home)
        before = home.gateway.policy.version
        policy_of(home).write_text(CONTRACTOR)
        (event,) = await events(home, "policy_changed")
        assert event["old"] == before
        assert event["changed"] == [
            "numbers tool add_numbers: roles [analyst, contractor] → [contractor]"
        ]
        assert not await may(home)
        assert await may(home, "dee")
        listed = result_of(await home.post("tools/list"))["tools"]
        assert ADD not in [tool["name"] for tool in listed]
        *_, outcome = await home.records(kind="outcome")
        assert outcome["policy"] == event["new"] == home.gateway.policy.version
        policy_of(home).write_text(POLICIES["numbers"])
        _, event = await events(home, "policy_changed", 2)
        assert event["new"] == before
        assert await may(home)


async def test_a_changed_agents_file_holds_at_once_too(server: Counted, opened: Opened) -> None:
    async with opened(server) as home:
        agents = folder(home) / "gateway" / "agents.yaml"
        agents.write_text(AGENTS.replace("[read, write]", "[read]"))
        (event,) = await events(home, "policy_changed")
        (line,) = event["changed"]
        assert line.startswith("agent mcp-dev-cli: {may: [read, write]")
        note = {"number": 1, "idempotency_key": "key-00001"}
        assert error_of(await home.call("numbers_note_number", note))["code"] == -32602
        assert await may(home)


async def test_p08_a_broken_file_leaves_the_old_policy_in_force_and_is_on_the_record(
    server: Counted, opened: Opened
) -> None:
    async with opened(server) as home:
        before = home.gateway.policy
        for count, (broken, says) in enumerate(
            [
                ("tools: [", "not valid YAML"),
                ("tools: { add_numbers: { role: [analyst] } }", "roles: Field required"),
                ("", "expected keys and values"),
            ],
            1,
        ):
            policy_of(home).write_text(broken)
            *_, event = await events(home, "policy_broken", count)
            assert says in event["error"]
            assert await may(home)
            assert home.gateway.policy is before
        policy_of(home).unlink()
        *_, event = await events(home, "policy_broken", 4)
        assert "no such file" in event["error"]
        assert await may(home)
        # told once, not at every look
        await asyncio.sleep(1.2)
        assert len(await home.records(kind="event", reason="policy_broken")) == 4
        policy_of(home).write_text(CONTRACTOR)
        await events(home, "policy_changed")
        assert not await may(home)


async def test_a_good_file_beside_a_broken_one_waits_for_it(
    server: Counted, opened: Opened
) -> None:
    async with opened(server) as home:
        policy_of(home).write_text(CONTRACTOR)
        (folder(home) / "gateway" / "agents.yaml").write_text("agents: 7\n")
        await events(home, "policy_broken")
        assert await may(home)
        (folder(home) / "gateway" / "agents.yaml").write_text(AGENTS)
        await events(home, "policy_changed")
        assert not await may(home)


async def test_a_file_written_in_parts_is_read_when_it_is_whole(
    server: Counted, opened: Opened
) -> None:
    async with opened(server) as home:
        for end in range(0, len(CONTRACTOR), 10):
            policy_of(home).write_text(CONTRACTOR[:end])
            await asyncio.sleep(0.01)
            assert await may(home)
        policy_of(home).write_text(CONTRACTOR)
        await events(home, "policy_changed")
        assert not await may(home)
        assert not await home.records(kind="event", reason="policy_broken")


async def test_an_approved_definition_opens_its_tool_and_an_unapproved_one_closes_it(
    server: Counted, opened: Opened
) -> None:
    async with opened(server) as home:
        assert await may(home)
        lock = folder(home) / "servers" / "numbers" / "tools.lock.json"
        reviewed = lock.read_text()
        document = json.loads(reviewed)
        other = a_server()
        changed(other, "add_numbers")
        lock.write_text(json.dumps(await serve.definitions(other)))
        (event,) = await events(home, "catalogue_changed")
        assert event["server"] == "numbers"
        assert event["changed"] == ["tool add_numbers: changed"]
        # the server still serves what was reviewed before: not what is pinned now
        _, said = tool_error(await home.call(ADD, GOOD["arguments"]))
        assert said["code"] == "quarantined"
        lock.write_text(reviewed)
        await events(home, "catalogue_changed", 2)
        assert await may(home)
        # edited by hand: everything stays
        document["tools"][0]["description"] = "Something else."
        lock.write_text(json.dumps(document))
        (event,) = await events(home, "policy_broken")
        assert "edited by hand" in event["error"]
        assert await may(home)


async def test_every_replica_goes_over_by_itself(
    server: Counted, opened: Opened, tmp_path: Path
) -> None:
    async with opened(server) as home, another_replica(home, tmp_path / "second") as second:
        for one in (home, second):
            policy_of(one).write_text(CONTRACTOR)
        first, other = await home.settled(2, kind="event", reason="policy_changed")
        assert {first["replica"], other["replica"]} == {"gateway-1", "gateway-2"}
        assert first["detail"]["new"] == other["detail"]["new"]
        assert not await may(home)
        assert not await may(second)
