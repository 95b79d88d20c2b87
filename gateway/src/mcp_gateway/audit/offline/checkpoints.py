"""Heads that were written down outside the database: they show a cut tail and a lost segment.

They come in the export, or better from the auditor's own copy of the place they are kept: whoever
makes the export could leave the last ones out.
"""

import base64
import binascii
import re
from hashlib import sha256
from pathlib import Path

from mcp_gateway.audit.offline.ed25519 import fastest
from mcp_gateway.audit.offline.report import Report
from mcp_gateway.audit.offline.statements import Statements
from mcp_gateway.audit.offline.trust import UnusableError

TITLE = "mcp-ledger checkpoint v1"
ED25519 = b"\x01"
LIMIT_BYTES = 16_000_000

_LEAF = re.compile(r"leaf (\d{4}-\d\d-\d\d) ([0-9a-f-]{36}) ([1-9]\d{0,17}) (\S{44})", re.ASCII)


class Checkpoints:
    """What they say of each segment: heads by block. Nothing, without a key to believe them by."""

    def __init__(self, signers: dict[str, bytes], report: Report) -> None:
        self.entries = 0
        self._signers = signers
        self._report = report
        self._heads: dict[tuple[str, str], dict[int, str]] = {}
        self._grown: dict[tuple[str, str], str] = {}  # when the last of them named a segment
        self._seen: set[tuple[str, str]] = set()
        self._size = 0
        self._peaks: list[bytes] = []
        self._check = fastest()

    def add(self, name: str, data: bytes) -> None:
        if not self._signers:
            return
        try:
            wrong = self._entry(data)
        except (ValueError, IndexError, binascii.Error) as error:
            wrong = f"not an entry: {error}"
        if wrong:
            self._report.add("CHECKPOINT", f"{name}: {wrong}")

    def folder(self, folder: Path) -> None:
        """Raises UnusableError where there is none, or no key to believe them by."""
        if not self._signers:
            raise UnusableError(
                "checkpoints are believed by a key: --checkpoint-key checkpoint.pub"
            )
        paths = sorted(p for p in folder.glob("*/*") if p.is_file() and p.name[:1] != ".")
        if not paths:
            raise UnusableError(f"{folder}: holds no checkpoints")
        for path in paths:
            name = f"{path.parent.name}/{path.name}"
            if path.stat().st_size > LIMIT_BYTES:
                self._report.add("CHECKPOINT", f"{name}: too long for an entry")
            else:
                self.add(name, path.read_bytes())

    def head(self, day: str, segment: str, block: int) -> str | None:
        return self._heads.get((day, segment), {}).get(block)

    def last(self, day: str, segment: str) -> int:
        """The last block they know of this segment, which is then seen."""
        self._seen.add((day, segment))
        return max(self._heads.get((day, segment), {0: ""}))

    def grown(self, day: str, segment: str) -> str:
        return self._grown.get((day, segment), "")

    def missing(self, since: str, until: str, stated: Statements) -> None:
        for (day, segment), heads in sorted(self._heads.items()):
            known = (day, segment) in self._seen or not since <= day <= until
            grown = self.grown(day, segment)
            if not known and max(heads) > stated.excused((day, segment), 0, "0" * 64, grown):
                what = f"a checkpoint has seen its block {max(heads)}"
                self._report.add("SEGMENT-MISSING", what, day=day, segment=segment)

    def _entry(self, data: bytes) -> str | None:
        head, _, note = data.decode().partition("\n\n")
        lines = head.split("\n")
        if lines[0] != TITLE or not lines[2].startswith("from "):
            return "not an entry of the ledger's checkpoints"
        size = int(lines[2][5:])
        peaks = [base64.b64decode(line[5:], validate=True) for line in lines if line[:5] == "peak "]
        if self.entries and (size, peaks) != (self._size, self._peaks):
            self._report.add("CHECKPOINT", f"the one from leaf {size} does not continue the last")
        leaves = lines[3 + len(peaks) :]
        for line in leaves:
            size, peaks = _grown(size, peaks, sha256(b"\0" + line[5:].encode() + b"\n").digest())
        signed = self._signed(note)
        if signed is None:
            return "its note is not signed by a trusted key"
        if signed != (size, _root(peaks)):
            return "its leaves do not lead to the signed root"
        for line in leaves:
            found = _LEAF.fullmatch(line)
            if found is None:
                return "a leaf of it is not one"
            day, segment, block, text = found.groups()
            hexed = base64.b64decode(text, validate=True).hex()
            known = self._heads.setdefault((day, segment), {})
            self._grown[day, segment] = lines[1].removeprefix("written ")
            if known.setdefault(int(block), hexed) != hexed:
                return f"names another head of block {block} of {segment} than an earlier one"
        self._size, self._peaks = size, peaks
        self.entries += 1
        return None

    def _signed(self, note: str) -> tuple[int, bytes] | None:
        """Size and root of a note that a trusted key signed, as C2SP describes both."""
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        for line in signatures.splitlines():
            words = line.split(" ")
            public = self._signers.get(words[1]) if len(words) == 3 else None
            if public is None or text.split("\n")[0] != words[1]:
                continue
            mark = base64.b64decode(words[2], validate=True)
            if mark[:4] == _id(words[1], public) and self._check(public, mark[4:], text.encode()):
                size, root = text.split("\n")[1:3]
                return int(size), base64.b64decode(root, validate=True)
        return None


def signers(path: Path | None) -> dict[str, bytes]:
    """Public keys by name, from a file with one `name+id+key` to a line."""
    if path is None:
        return {}
    found = {}
    try:
        for line in path.read_text("utf-8").split():
            name, mark, text = line.split("+", 2)
            data = base64.b64decode(text, validate=True)
            if data[:1] == ED25519 and _id(name, data[1:]).hex() == mark:
                found[name] = data[1:]
    except OSError as error:
        raise UnusableError(f"{path}: no key for checkpoints ({error.strerror})") from error
    except ValueError as error:
        raise UnusableError(f"{path}: {error}") from error
    if not found:
        raise UnusableError(f"{path}: holds no Ed25519 key of the form name+id+key")
    return found


def _id(name: str, public: bytes) -> bytes:
    return sha256(f"{name}\n".encode() + ED25519 + public).digest()[:4]


def _grown(size: int, peaks: list[bytes], leaf: bytes) -> tuple[int, list[bytes]]:
    peaks, full, value = list(peaks), size, leaf
    while full & 1:
        value = sha256(b"\x01" + peaks.pop() + value).digest()
        full >>= 1
    return size + 1, [*peaks, value]


def _root(peaks: list[bytes]) -> bytes:
    value = peaks[-1]
    for peak in reversed(peaks[:-1]):
        value = sha256(b"\x01" + peak + value).digest()
    return value
