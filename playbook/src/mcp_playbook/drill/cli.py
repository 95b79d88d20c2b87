"""`python -m mcp_playbook.drill [NAME]`: lists the drills, or runs one, or `all`."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from mcp_local import control
from mcp_local.cli import FORESEEN
from mcp_local.place import find_root
from mcp_playbook.drill import DRILLS, Drill, Held, Record, records
from mcp_playbook.drill.callers import Callers
from mcp_playbook.drill.rehearsal import Rehearsal, write
from mcp_playbook.drill.stage import Stage, stage

HELD, NOT_HELD, NOT_YET = 0, 1, 2  # exit codes
READY_SECONDS = 60.0  # for all parts to be well again after the drill before
LONGEST_SECONDS = 300.0  # a drill that hangs has failed


def main(words: Sequence[str]) -> int:
    root = find_root(Path.cwd())
    evidence = Path(os.environ.get("PLAYBOOK_EVIDENCE") or root / ".run" / "evidence")
    wanted = words[0] if words and words[0] else ""
    if not wanted:
        print(listing(evidence))
        return HELD
    chosen = [one for one in DRILLS if wanted in ("all", one.name)]
    if not chosen:
        print(f"There is no drill {wanted!r}; there are {', '.join(d.name for d in DRILLS)}, all.")
        return NOT_YET
    waiting = [drill for drill in chosen if drill.state == "not yet"]
    for drill in waiting:
        print(f"{drill.name}: not yet. Missing: {drill.missing}.\n  playbook/runbooks/{drill.page}")
    if waiting == chosen:
        return NOT_YET
    with ended_by_signal():
        return run([drill for drill in chosen if drill not in waiting], root, evidence, print)


def listing(evidence: Path) -> str:
    last = {record.name: record for record in records(evidence)}
    width = max(len(drill.name) for drill in DRILLS)
    lines = [f"make drill NAME=…  (or NAME=all); pages: playbook/runbooks; records: {evidence}", ""]
    for drill in DRILLS:
        record = last.get(drill.name)
        word = "held" if record and record.passed else "NOT HELD"
        when = f"{word} {record.date:%Y-%m-%d}" if record else drill.state
        lines.append(f"  {drill.name:{width}}  {when:20} {drill.title}")
        if drill.missing:
            lines.append(f"  {'':{width}}  {'':20} not yet: {drill.missing}")
    return "\n".join(lines)


def run(drills: Sequence[Drill], root: Path, evidence: Path, say: Callable[[str], None]) -> int:
    """One after another; those that can share a stack have one together."""
    done: list[Record] = []

    def one(drill: Drill, made: Stage) -> None:
        control.wait_ready(made.stack.here, lambda _: None, READY_SECONDS)
        record = rehearsed(drill, made, say)
        done.append(record)
        file = write(record, evidence)
        say(f"{verdict(record)}; {file.relative_to(root) if root in file.parents else file}")

    sharing = [drill for drill in drills if not drill.alone]
    try:
        if sharing:
            say("A stack for the drill is started; nothing of yours is touched.")
            with stage(root) as made:
                for drill in sharing:
                    one(drill, made)
        for drill in (drill for drill in drills if drill.alone):
            say(f"A stack for {drill.name} is started; nothing of yours is touched.")
            with getattr(drill.load(), "opened", stage)(root) as made:
                one(drill, made)
    except FORESEEN as error:
        say(f"\nThe drill's stack does not stand: {error}")
    if len(drills) > 1:
        say("\n" + "\n".join(verdict(record) for record in done))
    return HELD if len(done) == len(drills) and all(one.passed for one in done) else NOT_HELD


def verdict(record: Record) -> str:
    shown = [one for one in record.expectations if one.here]
    word = "passed" if record.passed else "FAILED"
    return (
        f"{record.name}: {word}, {sum(one.held for one in shown)} of {len(shown)} expectations "
        f"held in {record.seconds:.1f} s"
    )


def rehearsed(drill: Drill, made: Stage, say: Callable[[str], None]) -> Record:
    """One drill, whatever comes: what it raises is how it failed."""
    module = drill.load()
    say(f"\n{drill.name}: {drill.title}")
    trouble = ""

    async def within_time() -> Rehearsal:
        nonlocal trouble
        callers = Callers.of(made.stack)
        rehearsal = Rehearsal(made, callers, module.Expect, say)
        async with callers.http:
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    await module.rehearse(rehearsal)
            except TimeoutError:
                trouble = f"not over after {LONGEST_SECONDS:.0f} s"
            except Exception as error:  # noqa: BLE001  every way to fail is a failed drill
                trouble = f"{type(error).__name__}: {error}"
        return rehearsal

    rehearsal = asyncio.run(within_time())
    if trouble:
        say(f"  it broke off: {trouble}")
    record = rehearsal.record(drill, trouble)
    say("")
    for one in record.expectations:
        say(f"  {_word(one)}  {one.what}")
        if not one.held or not one.here:
            say(f"            {one.seen.splitlines()[0] if one.seen else ''}")
    if drill.missing:
        say(f"  not yet   {drill.missing}")
    say("")
    return record


def _word(one: Held) -> str:
    if not one.here:
        return "no case "
    return "held    " if one.held else "NOT HELD"


@contextlib.contextmanager
def ended_by_signal() -> Iterator[None]:
    """SIGTERM ends a drill as Ctrl-C does: its stack is stopped and removed."""

    def over(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, over)
    try:
        yield
    except KeyboardInterrupt:
        print("\nEnded; the drill's stack is gone.")
        sys.exit(130)
    finally:
        signal.signal(signal.SIGTERM, before)
