"""An export's file: compressed as its name says, whole or not there, its owner's alone."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import zstandard

HELD_BYTES = 1 << 20
LEVEL_ZSTD, LEVEL_GZIP = 3, 6
SUFFIXES = (".jsonl.zst", ".jsonl.gz", ".jsonl")


class Sink:
    """Takes lines, keeps their digest."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._held = bytearray()
        self._hash = sha256()
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self._held += data
        if len(self._held) >= HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        self.bytes += len(self._held)
        self._hash.update(self._held)
        self._file.write(bytes(self._held))
        self._held.clear()

    @property
    def digest(self) -> str:
        """Of everything written so far."""
        self.flush()
        return self._hash.hexdigest()


@contextmanager
def sink(path: Path) -> Iterator[Sink]:
    """The file appears under its name when all is written and on disk."""
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            with _compressed(file, path.name) as compressed:
                made = Sink(compressed)
                yield made
                made.flush()
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _compressed(file: IO[bytes], name: str) -> Any:
    if name.endswith(".zst"):
        compressor = zstandard.ZstdCompressor(level=LEVEL_ZSTD, write_checksum=True)
        return compressor.stream_writer(file, closefd=False)
    if name.endswith(".gz"):
        return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=LEVEL_GZIP, mtime=0)
    return _Plain(file)


class _Plain:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __enter__(self) -> IO[bytes]:
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.flush()
