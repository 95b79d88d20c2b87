"""make logs: the log files of the parts, merged with their names, and followed on a terminal."""

import os
import sys
import time
from pathlib import Path

from mcp_local import logfile
from mcp_local.place import Place

PAUSE_SECONDS = 0.3


class NoLogError(LookupError):
    """No log of that name."""


def show(here: Place, name: str | None, *, follow: bool, lines: int) -> None:
    files = sorted(here.logs.glob("*.log")) if here.logs.is_dir() else []
    if name:
        known = ", ".join(file.stem for file in files)
        files = [file for file in files if file.stem == name]
        if not files:
            raise NoLogError(f"No log named {name!r}; there are: {known or 'none yet'}.")
    elif not files:
        raise NoLogError("No logs yet: `make up` starts the stack.")
    width = max(len(file.stem) for file in files)
    for file in files:
        _print(file, width, logfile.tail(file, lines), named=name is None)
    if follow:
        _follow(files, width, named=name is None)


def _print(file: Path, width: int, lines: list[str], *, named: bool) -> None:
    for line in lines:
        sys.stdout.write(f"{file.stem:<{width}} | {line}\n" if named else f"{line}\n")
    sys.stdout.flush()


def _follow(files: list[Path], width: int, *, named: bool) -> None:
    places = {file: file.stat().st_size for file in files}
    while True:
        for file, place in places.items():
            size = file.stat().st_size
            if size == place:
                continue
            with file.open("rb") as content:
                content.seek(place if size > place else 0, os.SEEK_SET)
                text = content.read()
            whole = text[: text.rfind(b"\n") + 1]
            places[file] = (place if size > place else 0) + len(whole)
            _print(file, width, whole.decode("utf-8", "replace").splitlines(), named=named)
        time.sleep(PAUSE_SECONDS)
