"""An export's bytes, decompressed a piece at a time: a bomb fills no memory."""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mcp_gateway.audit.offline.trust import UnusableError

PIECE_BYTES = 2 << 20
LINE_LIMIT_BYTES = 1 << 20  # a body has at most 64 KiB, encrypted arguments 512 and a third more
WINDOW_LIMIT_BYTES = 128 << 20  # what a zstd file may ask us to remember

_ZSTD, _GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"


class BrokenError(Exception):
    """The file ends early or is damaged: what came before has been handed out."""


def pieces(name: str) -> Iterator[bytes]:
    """Whole lines, some megabytes at a time. `-` is standard input.

    Raises:
        BrokenError: truncated, damaged, or a line that no export has.
        UnusableError: it cannot be opened.

    """
    rest = b""
    for data in _read(name):
        end = data.rfind(b"\n")
        if end < 0:
            rest += data
        else:
            yield rest + data[: end + 1]
            rest = data[end + 1 :]
        if len(rest) > LINE_LIMIT_BYTES:
            raise BrokenError(f"a line of more than {LINE_LIMIT_BYTES >> 10} KiB")
    if rest:
        raise BrokenError("the file ends in the middle of a line")


def _read(name: str) -> Iterator[bytes]:
    try:
        file = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise UnusableError(f"{name}: {error.strerror}") from error
    with file:
        start = file.peek(4)[:4] if hasattr(file, "peek") else b""
        if start == _ZSTD:
            reader = _zstd(file, name)
        elif start[:2] == _GZIP:
            reader = gzip.GzipFile(fileobj=file)
        else:
            reader = file
        while True:
            try:
                data = reader.read(PIECE_BYTES)
            except Exception as error:  # each decompressor has errors of its own
                raise BrokenError(
                    f"the compressed file is truncated or damaged: {error}"
                ) from error
            if not data:
                return
            yield data


def _zstd(file: IO[bytes], name: str) -> Any:
    try:
        from compression.zstd import (  # type: ignore[import-not-found]
            DecompressionParameter,
            ZstdFile,
        )
    except ImportError:
        pass
    else:
        window = WINDOW_LIMIT_BYTES.bit_length() - 1
        return ZstdFile(file, options={DecompressionParameter.window_log_max: window})
    try:
        import zstandard
    except ImportError as error:
        raise UnusableError(
            f"{name}: this Python cannot read zstd (3.14 can, or any with `zstandard`). Either\n"
            f"  zstd -dc {name} | python verify.pyz - --key ledger.pub\n"
            "or have the export made with gzip: audit export --out FILE.jsonl.gz"
        ) from error
    # a reader that ends too early just ends: the export's missing last line tells
    decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT_BYTES)
    # every frame, as `zstd -dc` shows them: an export ends with its last line, and nothing follows
    return decompressor.stream_reader(file, read_across_frames=True)
