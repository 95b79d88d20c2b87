"""The long run: every fault in random order, round after round, and every wrong ledger once.

    PYTHONPATH=tests python -m faults [--minutes 30] [--seed N] [--keep NAME]

Prints a line a minute, writes a report to results/, and ends by itself. Exit code 1 when anything
was complained of, or a wrong ledger passed.
"""

import argparse
import asyncio
import contextlib
import logging
import random
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path

from faults import cluster, report
from faults.checker import Complaint
from faults.place import Surroundings, surroundings
from faults.rounds import Outcome, play
from faults.schedule import ALL, DISK_MEGABYTES, Fault, fill_the_disk
from faults.wrong import SHOWN

ROOT = Path(__file__).parents[2]
ROUND_SECONDS = 75.0  # a token lives for five minutes
DISK_EACH = 8  # rounds
MUTANT_SECONDS = 25.0  # about what one takes
GRACE_SECONDS = 300.0  # beyond the minutes asked for: a round under way is finished


def until(deadline: float) -> Iterator[tuple[str, Fault]]:
    """Every fault once in random order, then anew, as long as there is time."""
    while True:
        for name, fault in random.sample(sorted(ALL.items()), len(ALL)):
            if time.monotonic() > deadline:
                return
            yield name, fault


async def long(minutes: float, folder: Path, told: report.Run) -> None:
    end = time.monotonic() + minutes * 60
    rounds_end = end - MUTANT_SECONDS * len(SHOWN)
    with surroundings(folder / "around") as around:
        async with cluster.running(folder / "postgres") as durable:
            while time.monotonic() < rounds_end:
                told.rounds += 1
                if told.rounds % DISK_EACH == 1:
                    await _with_a_full_disk(around, folder, told)
                    continue
                breath = random.choice((0.3, 1, 2))
                last = min(rounds_end, time.monotonic() + ROUND_SECONDS)
                callers = random.choice((8, 16, 32))
                told.of(
                    await _played(
                        play(around, durable, until(last), callers=callers, breath=breath)
                    )
                )
            for mutant, shown in SHOWN.items():
                faults = [(name, ALL[name]) for name in shown.by]
                found = await _played(play(around, durable, faults, mutant=mutant))
                told.wrong(mutant, shown, found)


async def _with_a_full_disk(around: Surroundings, folder: Path, told: report.Run) -> None:
    small = folder / f"small-{secrets.token_hex(2)}"
    try:
        async with cluster.on_a_small_disk(small, DISK_MEGABYTES) as (full, disk):
            faults = [("disk full", fill_the_disk)] * 2
            told.of(await _played(play(around, full, faults, disk=disk)))
    except PermissionError as error:
        told.left_out(f"disk full: {error}")


async def _played(one: Coroutine[None, None, Outcome]) -> Outcome:
    """A round that broke down is a complaint too, and the next one follows."""
    try:
        return await one
    except Exception as error:  # noqa: BLE001  unattended: the report says what it was
        return Outcome(complaints=[Complaint("ROUND-BROKEN", f"{type(error).__name__}: {error}")])


async def _minutes(told: report.Run) -> None:
    while True:
        await asyncio.sleep(60)
        print(told.line(), flush=True)


async def run(minutes: float, folder: Path, told: report.Run) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    telling = asyncio.ensure_future(_minutes(told))
    try:
        async with asyncio.timeout(minutes * 60 + GRACE_SECONDS):
            await long(minutes, folder, told)
    finally:
        telling.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--keep", help="name of the report; otherwise the day")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    random.seed(options.seed)
    folder = ROOT / ".run" / f"faults-{secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    told = report.Run(options.minutes, options.seed)
    ended = True
    try:
        with contextlib.suppress(asyncio.CancelledError):
            ended = False
            asyncio.run(run(options.minutes, folder, told))
            ended = True
    except TimeoutError:
        told.left_out("the run was ended: it took longer than it may")
    finally:
        if told.good:
            shutil.rmtree(folder, ignore_errors=True)
        path = report.write(told, Path(__file__).parent / "results", options.keep)
        print(told.line(), path.relative_to(ROOT), sep="\n")
    sys.exit(0 if ended and told.good else 1)


if __name__ == "__main__":
    main()
