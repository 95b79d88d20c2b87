"""Checkpoints in a directory of another owner: files that are added, never replaced."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from mcp_gateway.audit.checkpoints import entry as checkpoint_entry
from mcp_gateway.audit.checkpoints.place import PlaceError, TakenError


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


def _files(shard: Path) -> list[str]:
    names = sorted(f"{shard.name}/{one}" for one in os.listdir(shard))  # noqa: PTH208  many files
    return [name for name in names if checkpoint_entry.is_name(name)]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
