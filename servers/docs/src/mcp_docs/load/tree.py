"""The files below a folder, read without leaving it.

Every folder is held open and every file opened relative to it, without following links: a link put
in place while the loader runs changes nothing. Links, further names of one file, devices and files
that are too large are refused and named.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath

FORMATS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".rst": "restructuredtext",
    ".html": "html",
    ".htm": "html",
}
MAX_FILE_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class File:
    path: PurePosixPath  # below the root
    format: str
    content: bytes
    changed: date


@dataclass(frozen=True, slots=True)
class Skipped:
    path: str
    why: str


def folders(root: Path) -> list[str]:
    """The visible folders directly below; each is a collection, even when it is empty."""
    return sorted(
        entry.name
        for entry in os.scandir(root)
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
    )


def formats(*, txt: bool) -> dict[str, str]:
    """What is a page by its name's end; some trees have their reStructuredText in `.txt`."""
    return FORMATS | {".txt": "restructuredtext"} if txt else FORMATS


def files(root: Path, *, txt: bool = False) -> Iterator[File | Skipped]:
    """Every page below `root` in a stable order, and every name that was refused."""
    known = formats(txt=txt)
    for folder, names, pages, handle in os.fwalk(root, follow_symlinks=False):
        names[:] = sorted(name for name in names if not name.startswith("."))
        below = PurePosixPath(Path(folder).relative_to(root).as_posix())
        for name in names:
            if stat.S_ISLNK(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                yield Skipped(str(below / name), "it is a link")
        for name in sorted(pages):
            format_ = known.get(PurePosixPath(name).suffix.lower())
            if format_ and not name.startswith("."):
                yield _file(handle, name, below / name, format_)


def _file(folder: int, name: str, path: PurePosixPath, format_: str) -> File | Skipped:
    try:
        # NONBLOCK: opening a pipe must not wait for its writer
        handle = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
        )
    except OSError as error:
        linked = error.errno == errno.ELOOP
        return Skipped(str(path), "it is a link" if linked else f"cannot open: {error.strerror}")
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            return Skipped(str(path), "it is not a regular file")
        if facts.st_nlink > 1:
            return Skipped(str(path), "it has a second name (hard link)")
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        return Skipped(str(path), f"it is larger than {MAX_FILE_BYTES:,} bytes")
    changed = datetime.fromtimestamp(facts.st_mtime, UTC).date()
    return File(path, format_, content, changed)
