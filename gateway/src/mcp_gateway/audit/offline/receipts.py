"""Receipts that callers kept, held against an export: each names a signed block it must hold."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from mcp_gateway.audit.offline import proof
from mcp_gateway.audit.offline.report import Report
from mcp_gateway.audit.offline.trust import Trust


@dataclass(frozen=True, slots=True)
class Receipt:
    """A genuine one, and what of the ledger it proves."""

    name: str
    day: str
    segment: str
    block: int
    seq: int
    head: str  # hash of the block's head and signature: all its records hang on it

    @property
    def place(self) -> dict[str, Any]:
        return {"day": self.day, "segment": self.segment, "block": self.block, "seq": self.seq}


class Receipts:
    def __init__(self, paths: Sequence[Path], trust: Trust, report: Report) -> None:
        self._report = report
        self._waiting: dict[tuple[str, str, int], list[Receipt]] = {}
        self.held: list[Receipt] = []
        for path in paths:
            if wrong := proof.receipt(path, trust):
                report.add("RECEIPT", f"{path.name}: {wrong}")
                continue
            one = _read(path)
            self._waiting.setdefault((one.day, one.segment, one.block), []).append(one)

    def block(self, day: str, segment: str, number: int, head: str) -> None:
        """A block of the export. Its records are checked against the head by who reads them."""
        for one in self._waiting.pop((day, segment, number), ()):
            if one.head == head:
                self.held.append(one)
            else:
                self._missed(one, "genuine, and another block stands in its place")

    def end(self, since: str, until: str, retired: Iterable[tuple[str, str]]) -> None:
        """What was not met."""
        for (day, segment, _), receipts in sorted(self._waiting.items()):
            for one in receipts:
                if not since <= day <= until:
                    self._missed(one, "genuine, of a day that the export does not hold")
                elif (day, segment) in retired:
                    self._missed(one, "genuine, of a day that was retired: its own export holds it")
                else:
                    self._missed(one, "genuine, and its record is gone")

    def _missed(self, one: Receipt, what: str) -> None:
        self._report.add("RECEIPT", f"{one.name}: {what}", **one.place)


def _read(path: Path) -> Receipt:
    """Of a file that was found to be one."""
    said = json.loads(path.read_bytes())
    text = said["head"]["text"]
    words = dict(line.split(" ", 1) for line in text.splitlines()[1:])
    head = sha256(text.encode() + base64.b64decode(said["head"]["signature"])).hexdigest()
    return Receipt(path.name, words["day"], words["segment"], said["block"], said["seq"], head)
