"""The ledger's disk fills: what ends at which mark, and that it ends before PostgreSQL does.

The disk is a number here: the gateway is told that it has 128 MiB, and somebody's table fills it.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncpg

from mcp_gateway.audit.room import SECONDS as LOOK_SECONDS
from mcp_gateway.refusals import LEDGER_DOWN
from mcp_playbook.drill.callers import PAUSE_SECONDS
from mcp_playbook.drill.rehearsal import Rehearsal, took
from mcp_playbook.drill.stage import Stage, stage

DISK = "128 MiB"
NOTICED_SECONDS = LOOK_SECONDS + 5.0
ROWS = 30_000  # about a mebibyte
# as the gateway's own login sees it: databases that are closed to it are not counted
USED = """
    SELECT sum(pg_database_size(oid)) / (128 * 2 ^ 20) FROM pg_database
    WHERE has_database_privilege('audit_writer', oid, 'CONNECT')
"""
TOLD = "SELECT body FROM audit.record WHERE reason = 'ledger_disk' ORDER BY ts DESC LIMIT 1"
CLOSED = str(LEDGER_DOWN)


class Expect(StrEnum):
    LOW = "at 80 % every call goes on, and the level is on the record"
    SCARCE = "at 90 % calls that read end, with 503 and Retry-After"
    WRITES = "calls that write go on there"
    FULL = "at 95 % no call begins"
    READY = "the gateway says then that it is not ready"
    LISTS = "lists are answered all the while"
    BACK = "within 15 s of the room's return everybody is answered as before"
    LEDGER = "the ledger verifies"


@dataclass(frozen=True)
class Small(Stage):
    """A stack whose gateway believes in a small disk."""

    async def fill(self, part: float) -> float:
        """Add to somebody's table until so much of the disk is used."""
        connection = await asyncpg.connect(self.superuser("ledger"))
        try:
            await connection.execute("CREATE UNLOGGED TABLE IF NOT EXISTS public.filler (n int)")
            while (used := float(await connection.fetchval(USED))) < part:
                await connection.execute(
                    "INSERT INTO public.filler SELECT generate_series(1, $1::int)", ROWS
                )
            return used
        finally:
            await connection.close()

    async def empty(self) -> None:
        connection = await asyncpg.connect(self.superuser("ledger"))
        try:
            await connection.execute("DROP TABLE public.filler")
        finally:
            await connection.close()


@contextlib.contextmanager
def opened(root: Path) -> Iterator[Stage]:
    with stage(root, more={"GATEWAY_LEDGER_DISK": DISK}) as made:
        yield Small(made.stack)


async def rehearse(drill: Rehearsal) -> None:
    if not isinstance(drill.stage, Small):
        raise TypeError("this drill needs the stack that it opens itself")
    small, ask = drill.stage, drill.callers
    reads, write = ask.reads(), ask.write()
    calls = [*reads, *([write] if write else [])]
    before = await drill.before(*calls)

    drill.incident(f"somebody's table fills {await small.fill(0.83):.0%} of the disk")
    await _level(drill, "low")
    for call, was in zip(calls, before, strict=True):
        drill.saw(seen := await ask(call))
        drill.expect(Expect.LOW, seen.code == was.code, seen)

    drill.incident(f"it fills {await small.fill(0.92):.0%}")
    seconds = await ask.until([(reads[0], CLOSED)], NOTICED_SECONDS)
    drill.saw(f"reads end {took(seconds, NOTICED_SECONDS)}")
    for call in reads:
        drill.saw(seen := await ask(call))
        told = (seen.status, seen.code) == (503, CLOSED) and "retry-after" in seen.headers
        drill.expect(Expect.SCARCE, told, seen)
    if write is None:
        drill.nothing_here(Expect.WRITES, "no demo.toml of a listed server has a write")
    else:
        drill.saw(seen := await ask(write))
        drill.expect(Expect.WRITES, seen.code == before[-1].code, seen)
    await _lists(drill)

    drill.incident(f"it fills {await small.fill(0.97):.0%}")
    await _not_ready(drill)
    for call in calls:
        drill.saw(seen := await ask(call))
        drill.expect(Expect.FULL, (seen.status, seen.code) == (503, CLOSED), seen)
    await _lists(drill)

    await small.empty()
    drill.recovery("the table is dropped")
    await drill.again(Expect.BACK, before, NOTICED_SECONDS)
    await drill.verifies(Expect.LEDGER)


async def _level(drill: Rehearsal, level: str) -> None:
    """Until the record says so; a gateway looks every few seconds."""
    said, until = "nothing", time.monotonic() + NOTICED_SECONDS
    while level not in said and time.monotonic() < until:
        await asyncio.sleep(PAUSE_SECONDS)
        for row in await drill.stage.ledger(TOLD):
            detail = json.loads(row["body"])["detail"]
            said = f"ledger_disk: {detail['level']}, {detail['percent']} %"
    drill.saw(f"on the record: {said}")
    drill.expect(Expect.LOW, level in said, said)


async def _not_ready(drill: Rehearsal) -> None:
    """Asked of its health: calls again and again would use up their own limits."""
    until = time.monotonic() + NOTICED_SECONDS
    url = f"{drill.stage.stack.here.gateway}/readyz"
    while (seen := await drill.callers.http.get(url)).is_success and time.monotonic() < until:  # noqa: ASYNC110  a health page has no event
        await asyncio.sleep(PAUSE_SECONDS)
    drill.saw(f"GET /readyz: {seen.status_code} {seen.text.strip()}")
    drill.expect(Expect.READY, seen.status_code == 503, seen.text)


async def _lists(drill: Rehearsal) -> None:
    person = drill.callers.reads()[0].person
    listed = await drill.callers.lists(person)
    tools = 0 if isinstance(listed, str) else len(listed.result.get("tools", []))
    drill.saw(f"{person} lists the tools: {tools}")
    drill.expect(Expect.LISTS, tools > 0, f"{tools} tools")
