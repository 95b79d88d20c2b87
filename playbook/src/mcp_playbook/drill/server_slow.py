"""A server hangs: each caller hears within the tool's own time, and then it rests."""

import asyncio
from enum import StrEnum

from mcp_gateway.upstream.breaker import FAILURES, REST_SECONDS
from mcp_playbook.drill.rehearsal import Rehearsal

MARGIN_SECONDS = 1.0
BACK_SECONDS = REST_SECONDS + 10
TIMED_OUT = (
    "SELECT count(*) FROM audit.record "
    "WHERE kind = 'outcome' AND server = $1 AND reason = 'timed_out'"
)


class Expect(StrEnum):
    TIMEOUT = "each caller hears timed_out after the tool's own time, not later"
    OTHERS = "calls of other servers go on meanwhile, as quick as before"
    RESTS = "after five timeouts the next caller hears at once"
    RECORD = "every timeout is on record as the outcome of its call"
    BACK = "within 20 s of the server's return everybody is answered as before"
    LEDGER = "the ledger verifies"


async def rehearse(drill: Rehearsal) -> None:
    stage, ask = drill.stage, drill.callers
    mine, *others = ask.reads()
    before = await drill.before(mine, *others)
    if not others:
        drill.nothing_here(Expect.OTHERS, "one server is listed")
    time_given = ask.timeout(mine)
    (earlier,) = await stage.ledger(TIMED_OUT, mine.server)
    with stage.unattended(), stage.paused(mine.server):
        drill.incident(f"{mine.server} is paused with SIGSTOP: it accepts and never answers")
        waiting = [asyncio.create_task(ask(mine)) for _ in range(FAILURES)]
        for call in others:
            drill.saw(seen := await ask(call), "meanwhile ")
            drill.expect(Expect.OTHERS, seen.ok and seen.milliseconds < 1000, seen)
        for seen in await asyncio.gather(*waiting):
            late = seen.milliseconds / 1000 - time_given
            in_time = seen.code == "timed_out" and 0 <= late < MARGIN_SECONDS
            drill.expect(Expect.TIMEOUT, in_time, seen)
            drill.saw(seen)
        drill.saw(seen := await ask(mine), "the next caller: ")
        at_once = seen.code == "circuit_open" and seen.milliseconds < 1000
        drill.expect(Expect.RESTS, at_once, seen)
    drill.recovery(f"{mine.server} goes on (SIGCONT)")
    await drill.again(Expect.BACK, before, BACK_SECONDS)
    (now,) = await stage.ledger(TIMED_OUT, mine.server)
    recorded = now["count"] - earlier["count"]
    drill.expect(Expect.RECORD, recorded == FAILURES, recorded)
    drill.saw(f"outcomes on record with reason timed_out: {recorded}")
    await drill.verifies(Expect.LEDGER)
