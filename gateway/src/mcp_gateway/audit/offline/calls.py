"""Every call once, and each let through with an outcome: over the whole export, in little memory.

Marks of all records go to a temporary file in a hundred parts, each sorted alone at the end. Halves
of calls that stand in different pieces wait here for the other half.
"""

import tempfile
from collections.abc import Iterator
from typing import IO

from mcp_gateway.audit.offline.reading import SHARES, Call, Piece, unmark
from mcp_gateway.audit.offline.report import Report

MARK_BYTES, HELD_BYTES = 17, 1 << 16
OPEN_SECONDS = 300  # a call may take that long before the export was made
LISTED = 100


class Calls:
    """Enter it around reading; `end` after the last piece."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Call, str]] = {}
        self._held = [bytearray() for _ in range(SHARES)]
        self._files: list[IO[bytes] | None] = [None] * SHARES

    def add(self, piece: Piece, places: list[str]) -> None:
        """`places` names the segment before the piece and after each of its segment lines."""
        for call in piece.calls:
            before = self._waiting.get(call.rid)
            if before is not None and before[0].kind != call.kind:
                del self._waiting[call.rid]
            else:
                self._waiting[call.rid] = (call, places[call.part])
        for part, marks in piece.marks.items():
            self._held[part] += marks
            if len(self._held[part]) >= HELD_BYTES:
                self._spill(part)

    def end(self, report: Report, made: float) -> None:
        for part in range(SHARES):
            for mark, times in self._twice(part):
                kind, rid = unmark(mark)
                report.add("DUPLICATE", f"call {rid} has {times} records of kind {kind}")
        for call, place in self._waiting.values():
            if call.kind != "intent":
                continue  # its intent stands in a day before these
            if made and call.ts > made - OPEN_SECONDS:
                report.under_way += 1
                continue
            if len(report.open) < LISTED:
                where = f"{place} record {call.seq}"
                report.open.append(
                    {"rid": call.rid, "person": call.person, "target": call.target, "place": where}
                )
            report.add("OPEN-INTENT", f"call {call.rid} has no outcome ({place} record {call.seq})")

    def _spill(self, part: int) -> None:
        file = self._files[part]
        if file is None:
            # anonymous, gone with this process; closed by `close`
            file = self._files[part] = tempfile.TemporaryFile()  # noqa: SIM115
        file.write(self._held[part])
        self._held[part].clear()

    def _twice(self, part: int) -> Iterator[tuple[bytes, int]]:
        data = bytes(self._held[part])
        if (file := self._files[part]) is not None:
            file.seek(0)
            data = file.read() + data
        marks = sorted(data[i : i + MARK_BYTES] for i in range(0, len(data), MARK_BYTES))
        times = 1
        for here, after in zip(marks, [*marks[1:], b""], strict=False):
            if here == after:
                times += 1
            else:
                if times > 1:
                    yield here, times
                times = 1

    def close(self) -> None:
        for file in self._files:
            if file is not None:
                file.close()
