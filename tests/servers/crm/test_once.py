"""A write happens once: whatever is cut, wherever the server dies, and the caller asks again.

After every fault the same call is made anew until it answers. Then there is one object in the CRM,
and one request that changed it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from attacks.stdio import Spoken, ask
from servers.crm.killed import STEPS
from servers.crm.office import Office, given, open_office, refused
from servers.crm.wire import Action, Fault, answer

KEY = "once-0001"
TOOLS = ("log_note", "update_deal_stage")
WRITE = {
    "log_note": "POST /crm/objects/2026-09/notes ",
    "update_deal_stage": "PATCH /crm/objects/2026-09/deals/",
}


@dataclass
class Write:
    """One write tool, what it is called with, and how often it has happened."""

    office: Office
    tool: str
    arguments: dict[str, Any]

    @property
    def line(self) -> str:
        return WRITE[self.tool]

    async def call(self) -> Any:
        return await self.office.call(self.tool, **self.arguments)

    async def happened(self) -> int:
        """As the CRM has it: notes, or whether the deal stands where it was to go."""
        if self.tool == "log_note":
            return len(await self.office.notes("Wants a quote."))
        return int(await self.office.stage(self.arguments["deal_id"]) == "contractsent")

    @property
    def landed(self) -> int:
        return sum(self.line in one for one in self.office.wire.landed)

    async def settled(self) -> dict[str, Any]:
        """Asked again, as the answers say, until there is one."""
        for _ in range(5):
            result = await self.call()
            if not result.is_error:
                return given(result)
            assert "same idempotency_key" in refused(result, "unavailable")
        raise AssertionError("never settled")


async def a_write(office: Office, tool: str) -> Write:
    deal = await office.deal()
    arguments = {
        "log_note": {"account": "11", "text": "Wants a quote.", "deal_id": deal},
        "update_deal_stage": {"deal_id": deal, "stage": "Contract sent"},
    }[tool]
    return Write(office, tool, {**arguments, "idempotency_key": KEY})


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("blind", [False, True], ids=["then looks", "and cannot look"])
@pytest.mark.parametrize(
    ("action", "landed_first"),
    [
        ("cut", False),
        ("lose answer", True),
        ("half answer", True),
        ("spoil answer", True),
        ("answer", False),
    ],
)
async def test_a_connection_that_is_cut_anywhere_makes_one_write(
    office: Office, tool: str, action: Action, landed_first: bool, blind: bool
) -> None:
    write = await a_write(office, tool)
    office.wire.faults.append(Fault(write.line, action, answer=answer(502)))
    if blind:  # what became of it cannot be read either, for this call
        if tool == "log_note":
            office.wire.faults.append(Fault("idProperty=mcp_request_id", "cut", times=99))
        else:  # the read before the write goes through
            office.wire.faults.append(Fault("GET /crm/objects/2026-09/deals/", "cut", 99, skip=1))
    first = await write.call()
    office.wire.faults.clear()
    assert write.landed == int(landed_first)
    if landed_first and not blind:
        assert not given(first)["made_before"]
    else:
        assert "same idempotency_key" in refused(first, "unavailable")
    again = await write.settled()
    assert again["made_before"] is landed_first
    assert (await write.happened(), write.landed) == (1, 1)


@pytest.mark.parametrize("tool", TOOLS)
async def test_an_answer_that_the_outbox_could_not_keep_is_found_by_looking(
    office: Office, tool: str
) -> None:
    write = await a_write(office, tool)
    db = await asyncpg.connect(office.database)
    await db.execute(
        "CREATE FUNCTION outbox.no_room() RETURNS trigger LANGUAGE plpgsql AS $$"
        "BEGIN RAISE EXCEPTION 'disk full'; END $$;"
        "CREATE TRIGGER no_room BEFORE UPDATE ON outbox.write FOR EACH ROW"
        " WHEN (NEW.state = 'done') EXECUTE FUNCTION outbox.no_room()"
    )
    assert not given(await write.call())["made_before"]
    await db.execute("DROP TRIGGER no_room ON outbox.write")
    await _time_passes(db)
    assert (await write.settled())["made_before"]
    assert (await write.happened(), write.landed) == (1, 1)
    await db.close()


async def test_a_request_that_arrives_after_the_next_attempt_adds_nothing(office: Office) -> None:
    """The CRM itself refuses the second note: both carry the same unique mark."""
    write = await a_write(office, "log_note")
    late = Fault(write.line, "late")
    office.wire.faults.append(late)
    refused(await write.call(), "unavailable")
    logged = await write.settled()
    late.until.set()
    async with asyncio.timeout(20):
        await late.landed.wait()
    assert write.landed == 2
    [note] = await office.notes("Wants a quote.")
    assert note["id"] == logged["note_id"]


@pytest.mark.parametrize("tool", TOOLS)
async def test_two_servers_asked_at_once_with_one_key_make_one_write(
    office: Office, tool: str
) -> None:
    write = await a_write(office, tool)
    results = await asyncio.gather(*(write.call() for _ in range(6)))
    made = [given(one) for one in results if not one.is_error]
    for one in results:
        if one.is_error:
            assert "same idempotency_key" in refused(one, "unavailable")
    assert [one["made_before"] for one in made].count(False) == 1
    assert (await write.happened(), write.landed) == (1, 1)


@pytest.mark.parametrize("tool", TOOLS)
async def test_an_attempt_that_slept_beyond_its_lease_sends_nothing(
    office: Office, tool: str
) -> None:
    write = await a_write(office, tool)
    reading = Fault("GET /crm/objects/2026-09/deals/", "pause")
    office.wire.faults.append(reading)
    sleeper = asyncio.create_task(write.call())
    async with asyncio.timeout(20):
        await reading.struck.wait()
    db = await asyncpg.connect(office.database)
    await _time_passes(db)
    # the next attempt sends it and learns nothing of what became of it
    office.wire.faults += [
        Fault(write.line, "lose answer"),
        Fault("idProperty=mcp_request_id", "cut", times=9),
        Fault("GET /crm/objects/2026-09/deals/", "cut", times=4, skip=1),
    ]
    refused(await write.call(), "unavailable")
    office.wire.faults.clear()
    reading.until.set()
    assert "at this moment" in refused(await sleeper, "unavailable")
    kept = await db.fetchrow("SELECT state, attempt FROM outbox.write")
    await db.close()
    assert kept is not None
    assert (kept["state"], kept["attempt"]) == ("sent", 2)
    assert (await write.settled())["made_before"]
    assert (await write.happened(), write.landed) == (1, 1)


async def _time_passes(db: Any) -> None:
    """Leases end."""
    await db.execute("UPDATE outbox.write SET leased_until = now() WHERE state <> 'done'")


@asynccontextmanager
async def _outside(account: str) -> AsyncIterator[tuple[Office, dict[str, str]]]:
    """An office whose server is a process of its own, and what that needs to know."""
    async with open_office(account) as office:
        office.environment()
        environment = {
            **{name: value for name, value in os.environ.items() if name.startswith("CRM_")},
            "USER": "ben", "MCP_LOCAL_GROUPS": "sales", "PYTHONPATH": os.pathsep.join(sys.path),
        }  # fmt: skip
        yield office, environment


async def _served(write: Write, environment: dict[str, str]) -> Spoken:
    call = {"name": write.tool, "arguments": write.arguments}
    return await asyncio.to_thread(
        ask, ["-m", "servers.crm.killed", "--stdio"], [("tools/call", call)], environment
    )


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("step", STEPS)
async def test_a_server_that_is_killed_at_any_step_makes_one_write(
    account: str, tool: str, step: str
) -> None:
    async with _outside(account) as (office, environment):
        write = await a_write(office, tool)
        died = await _served(write, {**environment, "KILLED_AT": step})
        assert (died.returncode, died.stdout) == (-signal.SIGKILL, "")
        await _settled_by_another(write, environment)


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_server_that_is_killed_while_its_answer_is_on_the_way_makes_one_write(
    account: str, tool: str, tmp_path: Path
) -> None:
    async with _outside(account) as (office, environment):
        write = await a_write(office, tool)
        file = tmp_path / "pid"

        def kill() -> None:
            os.kill(int(file.read_text("utf-8")), signal.SIGKILL)

        office.wire.faults.append(Fault(write.line, "lose answer", then=kill))
        died = await _served(write, {**environment, "KILLED_PID": str(file)})
        assert (died.returncode, died.stdout) == (-signal.SIGKILL, "")
        assert write.landed == 1
        office.wire.faults.clear()
        await _settled_by_another(write, environment)


async def _settled_by_another(write: Write, environment: dict[str, str]) -> None:
    """The same call to a new process, once the dead one's lease is over."""
    landed = await write.happened()
    db = await asyncpg.connect(write.office.database)
    await _time_passes(db)
    await db.close()
    [message] = (await _served(write, environment)).messages
    result = message["result"]
    assert not result.get("isError"), result
    assert result["structuredContent"]["made_before"] is bool(landed)
    assert (await write.happened(), write.landed) == (1, 1)
