"""Where checkpoints are kept: a directory of another owner, or a bucket with Object Lock.

What is kept is added and never replaced: `put` refuses a name that is taken, so that of two who
write by mistake at once, one finds out. Nothing here waits for a lock; all of it may block, and is
called from a thread.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from mcp_gateway.audit.checkpoints import entry as checkpoint_entry

RETAIN_DAYS = 400  # a year, and time to audit it
LOCKS = ("compliance", "governance", "none")


class PlaceError(OSError):
    """The place cannot be used; the message says why."""


class TakenError(Exception):
    """There is an entry of that name already."""


class Place(Protocol):
    """Keeps entries by name."""

    def put(self, name: str, data: bytes) -> None:
        """Durable when it returns. TakenError when the name is."""

    def get(self, name: str) -> bytes:
        """As it was first written."""

    def names(self) -> Iterator[str]:
        """Of all entries, in order."""

    def newest(self, count: int) -> list[str]:
        """The last names, in order, without listing the others."""

    def disturbed(self) -> list[str]:
        """What was written over or removed as far as this place can tell; words for a person."""


class Directory:
    """Files that are linked into place when they are whole and on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def put(self, name: str, data: bytes) -> None:
        path = self._folder / name
        if not path.parent.is_dir():
            self._make(path.parent)
        aside = path.parent / f".{path.name}-{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as to:
                to.write(data)
                to.flush()
                os.fsync(to.fileno())
            try:
                path.hardlink_to(aside)
            except FileExistsError as error:
                raise TakenError(name) from error
        finally:
            aside.unlink(missing_ok=True)
        _sync(path.parent)

    def get(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def names(self) -> Iterator[str]:
        for shard in self._shards():
            yield from _files(shard)

    def newest(self, count: int) -> list[str]:
        found: list[str] = []
        for shard in reversed(self._shards()):
            found = [*_files(shard), *found]
            if len(found) >= count:
                break
        return found[-count:]

    def disturbed(self) -> list[str]:
        return []  # a directory tells nothing: what is missing shows in the entries themselves

    def _shards(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(one for one in self._folder.iterdir() if one.is_dir())

    def _make(self, shard: Path) -> None:
        if not self._folder.parent.is_dir():
            raise PlaceError(f"{self._folder}: its parent is not there; is it mounted?")
        shard.mkdir(parents=True, exist_ok=True)
        _sync(self._folder)


def opened(url: str) -> Place:
    """A path, or `s3://bucket/prefix?lock=compliance&days=400`.

    Raises:
        PlaceError: it is neither.

    """
    if not url.startswith("s3://"):
        if "://" in url:
            raise PlaceError(f"{url}: expected a directory or s3://bucket/prefix")
        return Directory(Path(url))
    from mcp_gateway.audit.checkpoints.bucket import (
        Bucket,  # its library takes half a second to load
    )

    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    lock, days = options.pop("lock", LOCKS[0]), options.pop("days", str(RETAIN_DAYS))
    if options or lock not in LOCKS or not days.isdecimal() or not parts.netloc:
        raise PlaceError(f"{url}: expected s3://bucket/prefix?lock={'|'.join(LOCKS)}&days=N")
    return Bucket(parts.netloc, parts.path.strip("/"), lock, int(days))


def _files(shard: Path) -> list[str]:
    names = sorted(f"{shard.name}/{one}" for one in os.listdir(shard))  # noqa: PTH208  many files
    return [name for name in names if checkpoint_entry.is_name(name)]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
