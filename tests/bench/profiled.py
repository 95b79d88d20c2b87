"""Where the gateway spends its processor time under load, by function and by package."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench import wrk
from bench.parts import PYTHON
from bench.rounds import turn
from bench.stage import Stage

TOP = 45
WRITE_SECONDS = 20
# what passes a frame on and does nothing of its own
SILENT = ("runpy", "asyncio/runners.py", "uvicorn/_compat.py", "uvicorn/server.py")


def profile(stage: Stage, connections: int, seconds: float, out: Path) -> Iterator[str]:
    """Lines to read, after stacks are in `out`."""
    out.unlink(missing_ok=True)
    plain = stage.gateway()
    cost = turn(stage, plain, connections, seconds).cpu_ms
    sampled = stage.gateway("sampled", command=[PYTHON, "-m", "bench.sampled", str(out)])
    request = sampled.request()
    wrk.run(sampled.port, request, connections, 2, stage.folder)
    sampled.part.process.send_signal(signal.SIGUSR1)
    load = wrk.run(sampled.port, request, connections, seconds, stage.folder)
    sampled.part.process.send_signal(signal.SIGUSR2)
    deadline, written = time.monotonic() + WRITE_SECONDS, threading.Event()
    while not out.exists() and time.monotonic() < deadline:
        written.wait(0.1)
    lines = out.read_text(encoding="utf-8").splitlines()
    yield f"{cost:.4f} CPU-ms per call at {connections} connections without the sampler"
    yield from summary(lines, load.requests, cost * 1000)


def summary(folded: Iterable[str], calls: int, without: float) -> Iterator[str]:
    """What each function takes of a call, itself and with all it calls, in microseconds of what
    a call costs without the sampler.
    """
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    rooms: Counter[str] = Counter()
    for line in folded:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(count)
        rooms[room(frames[-1])] += int(count)
        for frame in set(frames):
            whole[frame] += int(count)
    total = own.total() or 1
    yield f"{total / calls / 1000:.4f} with it"
    for title, counter in (
        ("by package, own time", rooms),
        ("by function, own time", own),
        ("by function, with all it calls", whole),
    ):
        yield f"\n{title}"
        told = [one for one in counter.most_common() if not any(s in one[0] for s in SILENT)]
        for name, used in told[:TOP]:
            yield f"  {used / total:6.1%} {used / total * without:8.1f} us  {name}"


def room(frame: str) -> str:
    """The folder a frame's file lies in; a lone file is its own."""
    return frame.rpartition("(")[2].partition(":")[0].partition("/")[0]
