"""One round: calls without pause, faults in between, then the judgement."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from faults import checker
from faults.cluster import Cluster
from faults.place import Site, Surroundings, opened
from faults.schedule import Fault

CALLERS = 16
BREATH_SECONDS = 0.3  # of undisturbed calls between two faults, at least
PATIENCE_SECONDS = 30.0  # for everybody to be served again
FAULT_SECONDS = 90.0  # longer than any of them takes


@dataclass
class Outcome:
    """What a round saw. `faults` counts those that happened, by name."""

    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    records: int = 0
    effects: int = 0
    starts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    complaints: list[checker.Complaint] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.seconds += other.seconds
        self.calls += other.calls
        self.records += other.records
        self.effects += other.effects
        self.starts += other.starts
        self.faults += other.faults
        self.complaints += other.complaints


async def play(
    around: Surroundings,
    cluster: Cluster,
    faults: Iterable[tuple[str, Fault]],
    *,
    mutant: str = "",
    callers: int = CALLERS,
    breath: float = BREATH_SECONDS,
    disk: Path | None = None,
) -> Outcome:
    """`faults` may be endless; of a mutant, less is waited for."""
    begun, outcome = time.monotonic(), Outcome()
    async with opened(around, cluster, mutant=mutant, disk=disk) as site:
        stop = asyncio.Event()
        calls = asyncio.ensure_future(site.clients.call_until(stop, callers))
        try:
            await _disturb(site, faults, outcome, breath)
            await _recovered(site, outcome, PATIENCE_SECONDS if not mutant else 6)
        finally:
            stop.set()
            await calls
        complaints, outcome.records = await site.judged()
        outcome.complaints += complaints
        outcome.calls = Counter(line.seen for line in site.clients.journal)
        outcome.effects = len(site.effects())
        outcome.starts = sum(one.starts for one in site.replicas)
    outcome.seconds = time.monotonic() - begun
    return outcome


async def _disturb(
    site: Site, faults: Iterable[tuple[str, Fault]], outcome: Outcome, breath: float
) -> None:
    await asyncio.sleep(breath)
    for name, fault in faults:
        async with asyncio.timeout(FAULT_SECONDS):
            outcome.faults[name] += await fault(site)
        await asyncio.sleep(breath)


async def _recovered(site: Site, outcome: Outcome, patience: float) -> None:
    """All is mended: every gateway must take calls again, and callers must get answers."""
    outcome.complaints += [
        checker.Complaint("STUCK", f"{name} never served again")
        for name in await site.silent(patience)
    ]
    answered = site.clients.count("answer")
    deadline = time.monotonic() + patience
    while site.clients.count("answer") < answered + 50:
        if time.monotonic() > deadline:
            outcome.complaints.append(checker.Complaint("STUCK", "callers get no answers"))
            return
        await asyncio.sleep(0.05)
