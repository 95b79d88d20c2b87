"""Valkey is gone: nothing counts calls, so what could do harm uncounted stops."""

from enum import StrEnum

from mcp_gateway.refusals import FORBIDDEN
from mcp_playbook.drill.rehearsal import Rehearsal, took

HEARD_MS = 1000
BLOCK_SECONDS = 3.0  # the table is read every 2 s
BACK_SECONDS = 10.0
BLOCKED = str(FORBIDDEN)


class Expect(StrEnum):
    READS = "cheap reads go on"
    WRITES = "writes stop with limiter_unavailable, and nothing is done"
    COSTLY = "reads that cost more than one token stop alike"
    QUICK = "nobody waits longer than a second to hear it"
    BLOCK = "a block made meanwhile holds within 3 s"
    BACK = "within 10 s of Valkey's return everybody is answered as before"
    LEDGER = "the ledger verifies"


async def rehearse(drill: Rehearsal) -> None:
    stage, ask = drill.stage, drill.callers
    reads, write, costly = ask.reads(), ask.write(), ask.costly()
    before = await drill.before(*reads, *(call for call in (write, costly) if call))
    async with stage.down("valkey") as part:
        drill.incident(f"valkey (pid {part.pid}) is killed and stays down")
        for call in reads:
            drill.saw(seen := await ask(call))
            drill.expect(Expect.READS, seen.ok, seen)
            drill.expect(Expect.QUICK, seen.milliseconds < HEARD_MS, seen)
        for stops, expected in ((write, Expect.WRITES), (costly, Expect.COSTLY)):
            if stops is None:
                drill.nothing_here(expected, "no demo.toml of a listed server has such a call")
                continue
            drill.saw(seen := await ask(stops))
            stopped = seen.code == "limiter_unavailable" and "Nothing was done" in seen.words
            drill.expect(expected, stopped, seen)
            drill.expect(Expect.QUICK, seen.milliseconds < HEARD_MS, seen)
        person = reads[0].person
        drill.saw(await stage.switch("block", "--person", person))
        seconds = await ask.until([(reads[0], BLOCKED)], BLOCK_SECONDS)
        drill.saw(await ask(reads[0]), f"{took(seconds, BLOCK_SECONDS)} ")
        drill.expect(Expect.BLOCK, seconds is not None, took(seconds, BLOCK_SECONDS))
        drill.facts["block_seconds"] = -1 if seconds is None else round(seconds, 2)
        drill.saw(await stage.switch("unblock", "--person", person))
    drill.recovery("valkey is started again")
    await stage.well(part)
    await drill.again(Expect.BACK, before, BACK_SECONDS)
    await drill.verifies(Expect.LEDGER)
