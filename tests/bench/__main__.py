"""`python -m bench`: what a call costs through the gateway, beside nginx and the SDK's server."""

import argparse
import logging
import os
import signal
import sys
from types import FrameType

from bench import profiled, report, wrk
from bench.machine import facts, flush_ms, load_average
from bench.parts import cores, pinned
from bench.rounds import interleaved
from bench.stage import ROOT, direct, nginx, opened, sdk


def told(line: str) -> None:
    print(line, flush=True)


def _ended(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)  # as an exit, so that everything started is stopped


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="8 connections alone, about a minute")
    parser.add_argument("--seconds", type=float, help="of each turn")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--connections", type=int, nargs="+")
    parser.add_argument("--profile", action="store_true", help="where the gateway spends it")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _ended)
    logging.disable(logging.INFO)
    wrk.insist()
    os.environ["PYTHONPATH"] = str(ROOT / "tests")
    seconds = options.seconds or (3 if options.quick else 6)
    rounds = options.rounds or 3
    connections = options.connections or ([8] if options.quick else [1, 8, 32])
    folder = ROOT / ".run" / f"bench-{os.getpid()}"
    machine = facts()
    with pinned(cores()[1]), opened(folder) as stage:
        flush = flush_ms(folder)
        told(f"flush to disk {flush[0]:.2f} ms (slowest {flush[1]:.2f}), load {load_average()}")
        if options.profile:
            out = ROOT / ".run" / "bench-profile.folded"
            for line in profiled.profile(stage, connections[-1], max(seconds, 10), out):
                told(line)
            told(f"stacks: {out}")
            return
        subjects = [stage.gateway(), nginx(stage), *sdk(stage), direct(stage)]
        turns = interleaved(stage, subjects, connections, rounds, seconds, told)
        told(report.table(turns))
        told(f"{machine}")


if __name__ == "__main__":
    main()
