"""One run of one drill: what was seen and when, and which of its expectations held.

An expectation that was never looked at counts as not held, so a drill that gives up early fails.
"""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from mcp_local.governed import Call
from mcp_playbook.drill import FOLDER, Drill, Held, Moment, Record
from mcp_playbook.drill.callers import Callers, Seen
from mcp_playbook.drill.stage import Stage

MARKS = {"seen": " ", "incident": "!", "recovery": "+"}
Kind = Literal["seen", "incident", "recovery"]


class NotAsExpectedError(Exception):
    """The drill cannot go on; the message says what it met instead."""


@dataclass
class Rehearsal:
    stage: Stage
    callers: Callers
    expected: type[StrEnum]
    say: Callable[[str], None]
    begun: float = field(default_factory=time.monotonic)
    timeline: list[Moment] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    facts: dict[str, float | int | str] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)

    def saw(self, text: str | Seen, before: str = "") -> None:
        """What a caller got; its words are shown the first time only."""
        if isinstance(text, Seen):
            said = text.words if not text.ok and text.words not in self._said else ""
            self._said.add(said)
            text = f"{before}{text}" + (f"\n“{said}”" if said else "")
        self._note("seen", text)

    def incident(self, text: str) -> None:
        self._note("incident", text)

    def recovery(self, text: str) -> None:
        self._note("recovery", text)

    def expect(self, what: StrEnum, held: bool, seen: object = "") -> None:
        """Looked at again, an expectation holds only when it held each time."""
        before = self.held.get(what)
        if before is None or before.held or not before.here:
            self.held[what] = Held(what=what, held=held, seen=str(seen))

    def nothing_here(self, what: StrEnum, why: str) -> None:
        """What this deployment has no case of: no failure, and no proof."""
        self.held.setdefault(what, Held(what=what, held=True, seen=why, here=False))

    async def before(self, *calls: Call) -> list[Seen]:
        """What these calls get while all is well: what they must get again afterwards."""
        found = [await self.callers(call) for call in calls]
        for seen in found:
            self.saw(seen)
            if not seen.arrived:
                raise NotAsExpectedError(f"before anything was broken: {seen}")
        return found

    async def again(self, what: StrEnum, before: Sequence[Seen], within: float) -> None:
        """Until everybody gets what they got before."""
        wanted = [(seen.call, seen.code) for seen in before]
        seconds = await self.callers.until(wanted, within)
        self.expect(what, seconds is not None, took(seconds, within))
        self.saw(f"everybody is answered as before: {took(seconds, within)}")
        self.facts["back_seconds"] = -1 if seconds is None else round(seconds, 2)

    async def verifies(self, what: StrEnum, *more: str) -> None:
        """As `make audit`."""
        done = await self.stage.audit(*more)
        lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
        told = [line.strip() for line in lines if line.startswith(("OK", "FAILED", "under way"))]
        self.expect(what, done.returncode == 0, "; ".join(told))
        self.saw("make audit: " + "\n".join([lines[0], *told]))

    def _note(self, kind: Kind, text: str) -> None:
        moment = Moment(at=round(time.monotonic() - self.begun, 3), kind=kind, text=text)
        self.timeline.append(moment)
        first, *more = text.splitlines() or [""]
        self.say(f"{moment.at:7.1f} s {MARKS[kind]} {first}")
        for line in more:
            self.say(f"            {line}")

    def record(self, drill: Drill, trouble: str = "") -> Record:
        never = Held(what="", held=False, seen=trouble or "never looked at")
        outcome = tuple(
            self.held.get(what, never.model_copy(update={"what": str(what)}))
            for what in self.expected
        )
        return Record(
            name=drill.name,
            date=datetime.now(UTC),
            commit=commit(self.stage.stack.here.root),
            passed=not trouble and all(one.held for one in outcome),
            seconds=round(time.monotonic() - self.begun, 1),
            expectations=outcome,
            timeline=tuple(self.timeline),
            facts=self.facts,
        )


def took(seconds: float | None, within: float) -> str:
    return f"not within {within:g} s" if seconds is None else f"after {seconds:.1f} s"


def commit(root: Path) -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=root, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def write(record: Record, evidence: Path) -> Path:
    folder = evidence / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{record.name}.json"
    aside = file.with_suffix(".new")
    text = json.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False)
    aside.write_text(text + "\n", "utf-8")
    aside.replace(file)
    return file
