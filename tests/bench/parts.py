"""Processes of the stage: started on their core, accounted for, and stopped by their pid."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from bench import priority

START_SECONDS = 30
STOP_SECONDS = 15
PYTHON = sys.executable


@dataclass(frozen=True)
class Part:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """User and system time of all its threads and children, by the kernel's own account."""
        own = psutil.Process(self.process.pid)
        times = [one.cpu_times() for one in (own, *own.children(recursive=True))]
        return sum(one.user + one.system for one in times)

    def memory(self) -> int:
        """Bytes that are its own: shared libraries do not count."""
        return int(psutil.Process(self.process.pid).memory_full_info().uss)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def forget_log(self) -> None:
        """A line per call: what was written so far is not needed any more."""
        os.truncate(self.log, 0)


def cores() -> tuple[set[int], set[int]]:
    """The subject's core, and all others; both the same where there is one, or none can be chosen."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    available = sorted(os.sched_getaffinity(0))
    if len(available) == 1:
        return set(available), set(available)
    return {available[-1]}, set(available[:-1])


def every_core() -> set[int]:
    first, others = cores()
    return first | others


@contextlib.contextmanager
def pinned(to: set[int]) -> Iterator[None]:
    """What is started inside begins its life on these cores, every thread of it."""
    if not to:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, to)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def part(
    name: str,
    command: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    core: set[int] | None = None,
) -> Iterator[Part]:
    log = folder / f"{name}.log"
    with log.open("ab") as out, pinned(core or set()):
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            env={**os.environ, **(env or {})}, start_new_session=True,
        )  # fmt: skip
    if nice := priority.own():
        priority.group(process.pid, nice)
    try:
        yield Part(name, process, log)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # its session is its own
    process.wait(timeout=STOP_SECONDS)


def await_answer(part: Part, url: str) -> None:
    """Return once something answers there, whatever its status but an error of the server."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and part.process.poll() is None:
        try:
            with opener.open(url, timeout=2):
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{part.name} did not start: {part.last_words()}")
