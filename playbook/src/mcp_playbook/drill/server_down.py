"""A server's process dies: its callers hear so, the others notice nothing, and it comes back."""

import asyncio
import time
from collections import Counter
from enum import StrEnum

from mcp_playbook.drill.rehearsal import Rehearsal, took

BACK_SECONDS = 30.0
PAUSE_SECONDS = 0.3


class Expect(StrEnum):
    TOLD = "callers hear that the server is away, as a tool error with a code"
    OTHERS = "calls of other servers go on"
    HEALED = "the supervisor starts it again by itself"
    BACK = "its callers succeed again within 30 s, with nobody doing anything"
    LEDGER = "the ledger verifies"


AWAY = {"server_unavailable", "server_failed", "circuit_open"}


async def rehearse(drill: Rehearsal) -> None:
    stage, ask = drill.stage, drill.callers
    mine, *others = ask.reads()
    await drill.before(mine, *others)
    if not others:
        drill.nothing_here(Expect.OTHERS, "one server is listed")
    part = stage.part(mine.server)
    stage.kill(mine.server)
    drill.incident(f"{mine.server} (pid {part.pid}) is killed with SIGKILL")
    begun = time.monotonic()
    got: Counter[str] = Counter()
    seen = await ask(mine)
    while not seen.ok and time.monotonic() - begun < BACK_SECONDS:
        if not got[seen.code]:
            drill.saw(seen)
        got[seen.code] += 1
        for call in others:
            other = await ask(call)
            drill.expect(Expect.OTHERS, other.ok, other)
        await asyncio.sleep(PAUSE_SECONDS)
        seen = await ask(mine)
    seconds = time.monotonic() - begun
    drill.expect(Expect.TOLD, bool(got) and set(got) <= AWAY, dict(got))
    drill.expect(Expect.BACK, seen.ok, seen)
    healed = await stage.well(part, within=5)
    drill.expect(Expect.HEALED, healed is not None, took(healed, 5))
    now = stage.part(mine.server)
    drill.recovery(f"{mine.server} runs again (pid {now.pid}); its callers succeed")
    drill.saw(seen, f"after {seconds:.1f} s, {sum(got.values())} calls went wrong; then ")
    drill.facts |= {"back_seconds": round(seconds, 2), "failed_calls": sum(got.values())}
    await drill.verifies(Expect.LEDGER)
