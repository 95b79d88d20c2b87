"""`python -m bench`: what a call costs through the gateway, beside nginx and the SDK's server."""

import argparse
import datetime as dt
import logging
import os
import signal
import sys
from statistics import median
from types import FrameType

from bench import (
    beside,
    growth,
    open_loop,
    profiled,
    replicas,
    report,
    results,
    streams,
    wrk,
)  # fmt: skip
from bench.machine import facts, flush_ms, load_average
from bench.measured import Run, of
from bench.parts import cores, every_core, pinned
from bench.priority import preceding
from bench.rounds import interleaved, resting, shown, turn
from bench.stage import ROOT, Stage, opened

CHAPTERS = ("closed", "real", "open", "replicas", "growth", "streams")
KNEE_CONNECTIONS = 32


def told(line: str) -> None:
    print(line, flush=True)


def _ended(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)  # as an exit, so that everything started is stopped


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="8 connections alone, a minute")
    parser.add_argument("--profile", action="store_true", help="where the gateway spends it")
    parser.add_argument("--only", nargs="+", choices=CHAPTERS, help="chapters of a full run")
    parser.add_argument("--seconds", type=float, default=0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[])
    parser.add_argument("--nice", type=int, default=0, help="-10: before others, as root")
    parser.add_argument("--keep", action="store_true", help="write a part of a run, too")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _ended)
    logging.disable(logging.INFO)
    wrk.insist()
    os.environ["PYTHONPATH"] = str(ROOT / "tests")
    folder = ROOT / ".run" / f"bench-{os.getpid()}"
    with preceding(options.nice), pinned(cores()[1]), opened(folder) as stage:
        if options.profile:
            _profile(stage, options)
            return
        run = Run(facts(), flush_ms(folder), load_average())
        told(f"flush to disk {run.flush_ms[0]:.2f} ms, load average {run.load_average}")
        _measure(run, stage, options)
    told("\n" + report.page(run, "What a call costs", None))
    if options.keep or not (options.quick or options.only):
        told(f"kept: {results.keep(run, dt.datetime.now(dt.UTC).date())}")
    if failed := sum(one.load.failed for one in run.turns):
        sys.exit(f"{failed} calls failed")


def _profile(stage: Stage, options: argparse.Namespace) -> None:
    out = ROOT / ".run" / "bench-profile.folded"
    many = (options.connections or [8])[-1]
    for line in profiled.profile(stage, many, options.seconds or 10, out):
        told(line)
    told(f"stacks: {out}")


def _measure(run: Run, stage: Stage, options: argparse.Namespace) -> None:
    wanted = options.only or (["closed"] if options.quick else CHAPTERS)
    seconds = options.seconds or (3 if options.quick else 6)
    connections = options.connections or ([8] if options.quick else [1, 8, KNEE_CONNECTIONS])
    gateway, upstream = stage.gateway(), beside.direct(stage)
    run.resting = resting(gateway.part)
    if "closed" in wanted:
        subjects = [gateway, beside.nginx(stage), *beside.sdk(stage), upstream]
        run.turns += interleaved(stage, subjects, connections, options.rounds, seconds, told)
    else:  # something to compare with, and where the knee is
        run.turns += interleaved(stage, [gateway], [KNEE_CONNECTIONS], 1, seconds, told)
    if "real" in wanted:
        run.reference.append(turn(stage, beside.governed(stage), 8, seconds))
        told(shown(run.reference[-1], 1))
    if "open" in wanted:
        knee = median(one.load.per_second for one in of(run.turns, "gateway", KNEE_CONNECTIONS))
        run.open_loop += open_loop.limit(stage, upstream, told)
        run.open_loop += open_loop.knees(stage, gateway, knee, seconds, told)
    if "replicas" in wanted:
        run.replicas += replicas.together(stage, every_core(), seconds, told)
    if "growth" in wanted:
        run.grown += growth.measured(stage, options.rounds, seconds / 2, told)
    if "streams" in wanted:
        run.streams = streams.measured(stage)


if __name__ == "__main__":
    main()
