"""Where a process spends its time under load: stacks sampled by py-spy, told by function.

py-spy is no part of the environment; it is looked for on PATH and in `.cache/py-spy/bin`.
"""

import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench import wrk
from bench.rounds import turn
from bench.stage import ROOT, Stage, Subject

MISSING = (
    "py-spy is not installed; it takes the profile: "
    ".venv/bin/uv pip install --target .cache/py-spy py-spy"
)
RATE = 400  # samples per second
TOP = 45


def insist() -> str:
    found = shutil.which("py-spy") or shutil.which("py-spy", path=ROOT / ".cache/py-spy/bin")
    if found is None:
        raise wrk.WrkError(MISSING)
    return found


def profile(
    stage: Stage, subject: Subject, connections: int, seconds: float, out: Path
) -> Iterator[str]:
    """Lines to read, after stacks are in `out` (folded: a flame graph can be made of them)."""
    calm = turn(stage, subject, connections, seconds)
    request = subject.request(stage.issuer)
    load = threading.Thread(
        target=wrk.run, args=(subject.port, request, connections, seconds + 4, stage.folder)
    )
    load.start()
    command = [
        insist(), "record", "--pid", str(subject.part.process.pid), "--rate", str(RATE),
        "--duration", str(round(seconds)), "--format", "raw", "--threads", "--function",
        "--output", str(out),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    load.join()
    if done.returncode != 0:
        raise RuntimeError(f"py-spy: {done.stderr[-500:]}")
    yield f"{calm.cpu_ms:.4f} CPU-ms per call at {connections} connections, unprofiled; shares of it:"
    yield from summary(out.read_text().splitlines(), calm.cpu_ms * 1000)


def summary(folded: Iterable[str], microseconds: float) -> Iterator[str]:
    """What each function takes of a call, itself and with all it calls; then by room."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    rooms: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    for line in folded:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(count)
        rooms[room(frames[-1])] += int(count)
        threads[frames[0]] += int(count)
        for frame in set(frames):
            whole[frame] += int(count)
    total = sum(own.values()) or 1
    for title, counter in (
        ("by thread", threads),
        ("by room, own time", rooms),
        ("by function, own time", own),
        ("by function, with all it calls", whole),
    ):
        yield f"\n{title}"
        for name, many in counter.most_common(TOP):
            yield f"  {many / total:6.1%} {many / total * microseconds:8.1f} us  {name}"


def room(frame: str) -> str:
    """The package a frame belongs to."""
    inside = frame.rpartition("(")[2].rstrip(")")
    parts = inside.replace("\\", "/").split("/")
    return parts[0] if len(parts) > 1 else inside
