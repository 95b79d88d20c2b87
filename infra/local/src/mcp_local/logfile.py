"""Log files of the parts: appended by the process itself, bounded by size, read from the end."""

import os
import shutil
from collections import deque
from pathlib import Path

LARGEST = 20 * 1024 * 1024  # bytes; one older generation is kept beside it
TAIL_BYTES = 64 * 1024


def opened(file: Path) -> int:
    """A descriptor to hand to a process: append mode, so that truncating it under way is safe."""
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)


def rotate(file: Path, largest: int = LARGEST) -> bool:
    """Copy and truncate: the process keeps its descriptor and survives the supervisor."""
    if not file.is_file() or file.stat().st_size <= largest:
        return False
    shutil.copyfile(file, file.with_suffix(".log.1"))
    os.truncate(file, 0)
    return True


def tail(file: Path, lines: int = 15, start: int = 0) -> list[str]:
    """The last lines, of what was written after byte `start`."""
    if not file.is_file():
        return []
    with file.open("rb") as content:
        size = content.seek(0, os.SEEK_END)
        content.seek(max(start if start <= size else 0, size - TAIL_BYTES))
        text = content.read().decode("utf-8", "replace")
    return list(deque((line for line in text.splitlines() if line.strip()), maxlen=lines))
