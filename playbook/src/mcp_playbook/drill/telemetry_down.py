"""The collector is gone, or hangs: calls must not notice."""

import asyncio
import contextlib
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mcp_local.governed import Call
from mcp_playbook.drill.callers import Seen
from mcp_playbook.drill.collector import Collector
from mcp_playbook.drill.rehearsal import Rehearsal, took
from mcp_playbook.drill.stage import Stage, stage

ROUNDS = 8  # of one call to each server, in every state of the collector
SLOWER_MS = 50  # what a busy machine may add
HANG_SECONDS = 3.0  # so that exports are waiting when calls are made
BACK_SECONDS = 60.0  # an exporter waits longer after each failure
TRACES = "/v1/traces"


class Expect(StrEnum):
    GONE = "with the collector gone every call succeeds, as quick as before"
    HANGS = "with a collector that takes and never answers, too"
    RESTART = "the gateway can be restarted meanwhile, within 30 s"
    BACK = "spans arrive again within 60 s of its return, with nobody doing anything"
    LEDGER = "the record has every call: the ledger verifies"


@dataclass(frozen=True)
class Watched(Stage):
    """A stack that exports to a collector of ours."""

    collector: Collector


@contextlib.contextmanager
def opened(root: Path) -> Iterator[Stage]:
    collector = Collector()
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "300",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    }
    with stage(root, more=environment) as made:
        yield Watched(made.stack, collector)


async def rehearse(drill: Rehearsal) -> None:
    if not isinstance(drill.stage, Watched):
        raise TypeError("this drill needs the stack that it opens itself")
    collector = drill.stage.collector
    calls = drill.callers.reads()
    with collector.running():
        await drill.before(*calls)
        before = await _rounds(drill, calls, "collector well")
        await _arrives(drill, "before")
    drill.incident("the collector is stopped: connections are refused")
    await _as_quick(drill, Expect.GONE, calls, before, "collector gone")
    collector.hangs = True
    with collector.running():
        drill.incident("the collector is back and hangs: it takes requests and never answers")
        await asyncio.sleep(HANG_SECONDS)
        await _as_quick(drill, Expect.HANGS, calls, before, "collector hangs")
        seconds = await drill.stage.restart("gateway")
        drill.saw(f"make restart NAME=gateway: well {took(seconds, 40)}")
        drill.expect(Expect.RESTART, seconds is not None and seconds < 30, took(seconds, 40))
        drill.facts["restart_seconds"] = -1 if seconds is None else round(seconds, 2)
    collector.hangs = False
    with collector.running():
        drill.recovery("the collector is well again")
        drill.expect(Expect.BACK, await _arrives(drill, "after"))
    await drill.verifies(Expect.LEDGER)


async def _rounds(drill: Rehearsal, calls: list[Call], name: str) -> list[Seen]:
    found = []
    for _ in range(ROUNDS):
        found += [await drill.callers(call) for call in calls]
        await asyncio.sleep(0.1)
    times = [seen.milliseconds for seen in found]
    median, most = statistics.median(times), max(times)
    good = sum(seen.ok for seen in found)
    drill.saw(f"{name}: {good} of {len(found)} calls ok, median {median:.0f} ms, most {most:.0f}")
    drill.facts[f"{name.replace(' ', '_')}_median_ms"] = round(median, 1)
    return found


async def _as_quick(
    drill: Rehearsal, what: Expect, calls: list[Call], before: list[Seen], name: str
) -> None:
    found = await _rounds(drill, calls, name)
    was = statistics.median(seen.milliseconds for seen in before)
    now = statistics.median(seen.milliseconds for seen in found)
    good = all(seen.ok for seen in found)
    drill.expect(what, good and now < was + SLOWER_MS, f"median {now:.0f} ms, before {was:.0f} ms")


async def _arrives(drill: Rehearsal, when: str) -> bool:
    """Whether spans reach the collector; a call is made now and then, to have some."""
    if not isinstance(drill.stage, Watched):
        return False
    received = drill.stage.collector.received
    already = received[TRACES]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while received[TRACES] <= already and loop.time() - begun < BACK_SECONDS:
        await drill.callers(drill.callers.reads()[0])
        await asyncio.sleep(1.0)
    seconds = loop.time() - begun
    arrived = received[TRACES] > already
    drill.saw(f"{when}: spans arrive {took(seconds if arrived else None, BACK_SECONDS)}")
    return arrived
