"""What a long run has seen, as a line a minute and as a page."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
from faults.checker import kinds
from faults.rounds import Outcome
from faults.wrong import Shown

SHOWN_COMPLAINTS = 20


@dataclass
class Caught:
    mutant: str
    by: str
    complaints: str
    caught: bool


@dataclass
class Run:
    minutes: float
    seed: int
    rounds: int = 0
    total: Outcome = field(default_factory=Outcome)
    mutants: list[Caught] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    load: list[float] = field(default_factory=list)

    def of(self, outcome: Outcome) -> None:
        self.total.add(outcome)
        self.load.append(psutil.getloadavg()[0])

    def wrong(self, mutant: str, shown: Shown, outcome: Outcome) -> None:
        found = kinds(outcome.complaints)
        said = ", ".join(f"{kind} {count:,}" for kind, count in sorted(found.items())) or "nothing"
        caught = shown.complaints <= set(found)
        self.mutants.append(Caught(mutant, ", ".join(sorted(set(shown.by))), said, caught))

    def left_out(self, what: str) -> None:
        if what not in self.notes:
            self.notes.append(what)

    @property
    def good(self) -> bool:
        return not self.total.complaints and all(one.caught for one in self.mutants)

    def line(self) -> str:
        calls, faults = self.total.calls, self.total.faults
        return (
            f"{(time.monotonic() - self.begun) / 60:.1f} min: {sum(calls.values()):,} calls, "
            f"{calls['answer'] + calls['denied']:,} answered, {sum(faults.values()):,} faults, "
            f"{self.total.records:,} records, {len(self.total.complaints)} complaints, "
            f"{sum(one.caught for one in self.mutants)} of {len(self.mutants)} wrong ledgers caught"
        )


def write(run: Run, folder: Path, name: str | None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"faults-{name or datetime.now(UTC).date().isoformat()}.md"
    path.write_text(page(run), encoding="utf-8")
    return path


def page(run: Run) -> str:
    total = run.total
    load = sum(run.load) / len(run.load) if run.load else 0.0
    machine = (
        f"{psutil.cpu_count()} cores, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}; load average {load:.1f}."
    )
    return "\n".join(
        [
            "# Fault run",
            "",
            f"`make faults MINUTES={run.minutes:g}`, seed {run.seed}: {run.rounds} rounds of two gateways.",
            machine,
            "",
            f"**{'Clean' if run.good else 'Not clean'}**: {run.line()}.",
            "",
            *_table(
                ("callers saw", "calls"),
                [
                    ("an answer", f"{total.calls['answer']:,}"),
                    ("a refusal that is on the record", f"{total.calls['denied']:,}"),
                    ("503: the ledger is down", f"{total.calls['unavailable']:,}"),
                    ("nothing", f"{total.calls['nothing']:,}"),
                ],
            ),
            f"The server behind did {total.effects:,} calls. Gateways were started {total.starts:,} times.",
            "",
            *_table(("fault", "times"), [(k, f"{v:,}") for k, v in sorted(total.faults.items())]),
            "## Wrong ledgers",
            "",
            *_table(
                ("ledger", "fault", "complaints", "caught"),
                [
                    (one.mutant, one.by, one.complaints, "yes" if one.caught else "**no**")
                    for one in run.mutants
                ],
            ),
            *([*(f"Left out: {note}." for note in run.notes), ""] if run.notes else []),
            *_complaints(run),
        ]
    )


def _complaints(run: Run) -> list[str]:
    if not run.total.complaints:
        return []
    shown = [f"- {one}" for one in run.total.complaints[:SHOWN_COMPLAINTS]]
    return ["## Complaints", "", *shown, ""]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]
