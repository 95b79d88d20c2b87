"""Before others on a busy machine, for as long as a run takes; root may.

Where the kernel groups processes by session (autogroup), a process's own nice value counts inside
its group alone, so the group gets the same one.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def preceding(nice: int) -> Iterator[None]:
    if not nice:
        yield
        return
    os.nice(nice)
    group(os.getpid(), nice)
    try:
        yield
    finally:
        group(os.getpid(), 0)  # whoever started this may be of the same session


def own() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def group(pid: int, nice: int) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(nice), encoding="ascii")
