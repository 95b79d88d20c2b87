"""The gateway with a sampler inside: which function the processor's time goes to.

    python -m bench.sampled OUT

Samples come with the process's own processor time, not with the clock on the wall: on a busy
machine a sampler from outside counts waiting for a core as work, most of it at system calls.
Each sample weighs what every thread has used since the last one. SIGUSR1 begins, SIGUSR2 writes
the folded stacks (a flame graph can be made of them) with microseconds as their count.
"""

import runpy
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_SECONDS = 0.002


class Sampler:
    def __init__(self, out: Path) -> None:
        self._out = out
        self._main = threading.main_thread().ident
        self._stacks: Counter[str] = Counter()
        self._used: dict[int, float] = {}
        self._names: dict[object, str] = {}

    def install(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._write)

    def _begin(self, *_: object) -> None:
        self._stacks.clear()
        for thread in sys._current_frames():
            self._delta(thread)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        for thread, top in sys._current_frames().items():
            if used := self._delta(thread):
                self._stacks[self._folded(frame if thread == self._main else top)] += used

    def _delta(self, thread: int) -> int:
        """Microseconds of processor time since the last look at this thread."""
        now = time.clock_gettime(time.pthread_getcpuclockid(thread))
        before, self._used[thread] = self._used.get(thread, now), now
        return round((now - before) * 1e6)

    def _folded(self, frame: FrameType | None) -> str:
        names = []
        while frame is not None:
            code = frame.f_code
            if (name := self._names.get(code)) is None:
                where = "/".join(Path(code.co_filename).parts[-2:])
                name = self._names[code] = f"{code.co_qualname} ({where}:{code.co_firstlineno})"
            names.append(name)
            frame = frame.f_back
        return ";".join(reversed(names))

    def _write(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        lines = [f"{stack} {count}" for stack, count in self._stacks.items()]
        partial = self._out.with_suffix(".partial")
        partial.write_text("\n".join(lines), encoding="utf-8")
        partial.rename(self._out)


if __name__ == "__main__":
    Sampler(Path(sys.argv[1])).install()
    sys.argv = ["mcp_gateway"]
    runpy.run_module("mcp_gateway", run_name="__main__")
