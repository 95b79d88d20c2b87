"""Postgres is gone: what cannot be recorded is not done."""

import signal
from datetime import UTC, datetime
from enum import StrEnum

from mcp_playbook.drill.rehearsal import Rehearsal

HEARD_MS = 3000  # a record is waited for 2 s
BACK_SECONDS = 20.0
RECORDED = "SELECT count(*) FROM audit.record WHERE ts >= $1 AND ts <= $2 AND kind = 'intent'"
GAP = (
    "SELECT body FROM audit.record "
    "WHERE kind = 'event' AND reason = 'ledger_gap' AND ts >= $1 ORDER BY ts DESC LIMIT 1"
)


class Expect(StrEnum):
    REFUSED = "every call is answered 503 with code -31503 and Retry-After"
    QUICK = "nobody waits longer than 3 s to hear it"
    LISTS = "lists are answered: they need no record"
    READY = "the gateway says that it is not ready"
    NOTHING = "nothing was forwarded: no intent of that time is on record"
    BACK = "within 20 s of Postgres' return everybody is answered as before"
    GAP = "how many calls were turned away is on record"
    LEDGER = "the ledger verifies"


async def rehearse(drill: Rehearsal) -> None:
    stage, ask = drill.stage, drill.callers
    write = ask.write()
    calls = [*ask.reads(), *([write] if write else [])]
    before = await drill.before(*calls)
    async with stage.down("postgres", signal.SIGINT) as part:
        drill.incident(f"postgres (pid {part.pid}) is stopped and stays down")
        since = datetime.now(UTC)
        for call in calls:
            drill.saw(seen := await ask(call))
            told = (seen.status, seen.code) == (503, "-31503") and "retry-after" in seen.headers
            drill.expect(Expect.REFUSED, told, seen)
            drill.expect(Expect.QUICK, seen.milliseconds < HEARD_MS, seen)
        listed = await ask.lists(calls[0].person)
        tools = 0 if isinstance(listed, str) else len(listed.result.get("tools", []))
        drill.saw(f"{calls[0].person} lists the tools: {tools}")
        drill.expect(Expect.LISTS, tools > 0, f"{tools} tools")
        ready = await ask.http.get(f"{stage.stack.here.gateway}/readyz")
        drill.saw(f"GET /readyz: {ready.status_code} {ready.text.strip()}")
        drill.expect(Expect.READY, ready.status_code == 503, ready.text)
        until = datetime.now(UTC)
    drill.recovery("postgres is started again")
    await stage.well(part)
    await drill.again(Expect.BACK, before, BACK_SECONDS)
    (count,) = await stage.ledger(RECORDED, since, until)
    drill.saw(f"intents on record from the outage: {count['count']}")
    drill.expect(Expect.NOTHING, count["count"] == 0, count["count"])
    gaps = await stage.ledger(GAP, since)
    said = gaps[0]["body"].decode() if gaps else ""
    drill.saw(f"the event on record: {said or 'none'}")
    drill.expect(Expect.GAP, '"refused":' in said, said)
    await drill.verifies(Expect.LEDGER)
