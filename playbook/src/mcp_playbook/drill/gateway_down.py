"""The gateway dies under calls: callers see it, reads are tried again, the record stays whole."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from mcp_local.governed import Call
from mcp_playbook.drill.callers import Callers, Seen
from mcp_playbook.drill.rehearsal import NotAsExpectedError, Rehearsal, took
from mcp_playbook.drill.stage import Stage

BEFORE_SECONDS = 1.5
BACK_SECONDS = 30.0
PAUSE_SECONDS = 0.3  # below every person's rate
OPEN = """
    SELECT i.rid FROM audit.record i WHERE i.kind = 'intent' AND i.person = $1 AND i.server = $2
    AND NOT EXISTS (SELECT FROM audit.record o WHERE o.rid = i.rid AND o.kind = 'outcome')
"""
HAS = "SELECT count(*) FROM audit.record WHERE seg = $1 AND seq = $2 AND kind = 'outcome'"


class Expect(StrEnum):
    VISIBLE = "a caller whose gateway dies gets no answer, never a wrong one"
    RETRIED = "a read that is tried again succeeds within 30 s"
    RECORDED = "every answer that came has its outcome on record"
    OPEN = "the call that was under way has an intent and no outcome, and the verifier says so"
    SETTLED = "once somebody has looked and settled what was left open, the ledger verifies"


@dataclass
class Flow:
    """Somebody who makes the same read again and again, whatever comes."""

    call: Call
    answers: list[Seen] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    async def run(self, ask: Callers) -> None:
        while True:
            seen = await ask(self.call)
            if seen.status:
                self.answers.append(seen)
            else:
                self.failures[seen.code] += 1
            await asyncio.sleep(PAUSE_SECONDS)


async def rehearse(drill: Rehearsal) -> None:
    stage, ask = drill.stage, drill.callers
    hanging, *reads = ask.reads()
    before = await drill.before(hanging, *reads)
    flows = [Flow(call) for call in reads or [hanging]]
    running = [asyncio.create_task(flow.run(ask)) for flow in flows]
    await asyncio.sleep(BEFORE_SECONDS)
    part = stage.part("gateway")
    with stage.paused(hanging.server):
        under_way = asyncio.create_task(ask(hanging))
        rid = await _admitted(stage, hanging)
        stage.kill("gateway")
        begun = time.monotonic()
        drill.incident(
            f"the gateway (pid {part.pid}) is killed with SIGKILL; {len(flows)} people read, "
            "and one call is under way at a server paused for that"
        )
        drill.saw(lost := await under_way, "the call under way: ")
        drill.expect(Expect.VISIBLE, lost.status == 0, lost)
    seconds = await ask.until([(seen.call, "ok") for seen in before], BACK_SECONDS)
    drill.recovery(f"the supervisor has started the gateway again, {_pid(stage)}")
    drill.saw(f"every read succeeds {took(seconds, BACK_SECONDS)}")
    drill.expect(Expect.RETRIED, seconds is not None, took(seconds, BACK_SECONDS))
    await asyncio.sleep(2 * PAUSE_SECONDS)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    failed = sum((flow.failures for flow in flows), Counter[str]())
    answers = [seen for flow in flows for seen in flow.answers]
    wrong = [seen for seen in answers if not seen.ok]
    drill.saw(f"the readers: {len(answers)} answers, {len(wrong)} of them wrong; {dict(failed)}")
    drill.expect(Expect.VISIBLE, not wrong and failed.total() > 0, wrong or dict(failed))
    drill.facts |= {
        "back_seconds": round(time.monotonic() - begun, 2),
        "answers": len(answers),
        "without_answer": failed.total(),
    }
    unrecorded = [seen for seen in answers if not await _recorded(stage, seen)]
    drill.expect(Expect.RECORDED, not unrecorded, f"{len(answers)} answers")
    told = await stage.audit("--open-minutes", "0")
    finding = next((row for row in told.stdout.splitlines() if rid in row), "")
    finding = " ".join(finding.split())
    drill.saw(f"make audit, as after five minutes:\n{finding or 'nothing of that call'}")
    drill.expect(Expect.OPEN, finding.startswith("OPEN-INTENT"), finding)
    settled = await stage.gateway(
        "mcp_gateway.audit", "settle", "--all", "--reason", "reads: nothing to undo",
        "--minutes", "0",
    )  # fmt: skip
    drill.recovery(f"audit settle: {(settled.stdout or settled.stderr).strip()}")
    await drill.verifies(Expect.SETTLED, "--open-minutes", "0")


async def _admitted(stage: Stage, call: Call) -> str:
    """The id of the call, once its intent is on record."""
    for _ in range(100):
        if rows := await stage.ledger(OPEN, call.person, call.server):
            return str(rows[-1]["rid"])
        await asyncio.sleep(0.05)
    raise NotAsExpectedError("the call under way left no intent on record")


async def _recorded(stage: Stage, seen: Seen) -> bool:
    if seen.receipt is None:
        return False
    (row,) = await stage.ledger(HAS, seen.receipt["segment"], seen.receipt["seq"])
    return bool(row["count"] == 1)


def _pid(stage: Stage) -> str:
    return f"pid {stage.part('gateway').pid}"
