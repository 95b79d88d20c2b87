"""The whole export: pieces to worker processes, their facts in order to the chains."""

import base64
import time
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from mcp_gateway.audit.offline import again, heads, opening
from mcp_gateway.audit.offline.ahead import cores, pieces_read
from mcp_gateway.audit.offline.calls import Calls
from mcp_gateway.audit.offline.chain import Chain
from mcp_gateway.audit.offline.checkpoints import Checkpoints
from mcp_gateway.audit.offline.payloads import Payloads
from mcp_gateway.audit.offline.reading import Piece, Run
from mcp_gateway.audit.offline.receipts import Receipts
from mcp_gateway.audit.offline.report import Report, TooManyError
from mcp_gateway.audit.offline.statements import CLOCK_SECONDS, Statements
from mcp_gateway.audit.offline.trust import Trust, UnusableError

PLAIN, WITH_PAYLOADS = 1, 2  # versions


def verify(
    name: str,
    trust: Trust,
    *,
    jobs: int | None = None,
    signers: dict[str, bytes] | None = None,
    checkpoints: Path | None = None,
    receipts: Sequence[Path] = (),
) -> tuple[Report, str]:
    """The report, and the digest of what the export holds.

    Raises:
        UnusableError: it is not an export, or cannot be opened.

    """
    started = time.perf_counter()
    report = Report(keys=sorted(trust.keys))
    witnessed = Checkpoints(signers or {}, report)
    if checkpoints is not None:
        witnessed.folder(checkpoints)
    kept = Receipts(receipts, trust, report)
    export = _Export(trust, witnessed, kept, report)
    try:
        for data, piece in pieces_read(name, jobs or cores()):
            export.add(data, piece)
        export.end()
    except opening.BrokenError as error:
        export.broken(str(error))
    except TooManyError:
        pass
    finally:
        export.calls.close()
    if export.suspects and name != "-":
        again.first_unsigned(name, export.suspects, trust, report)
    elif export.suspects:
        for segment, (day, key) in export.suspects.items():
            again.unsigned(report, trust, key, day=day, segment=segment)
    report.receipts = again.told(name, kept.held)
    report.checkpoints = witnessed.entries
    report.seconds = time.perf_counter() - started
    return report, export.digest


class _Export:
    def __init__(
        self, trust: Trust, witnessed: Checkpoints, receipts: Receipts, report: Report
    ) -> None:
        self.calls = Calls()
        self._receipts = receipts
        self._witnessed = witnessed
        self._stated = Statements(trust, report)
        self._own = witnessed.entries > 0  # the auditor's copy is asked, not the export's
        self.suspects: dict[str, tuple[str, str]] = {}
        self.digest = ""
        self._trust = trust
        self._report = report
        self._hash = sha256()
        self._chain: Chain | None = None
        self._payloads = Payloads(report)
        self._ends: dict[str, tuple[str, int, str]] = {}  # day, records, head of each segment
        self._named: list[tuple[Chain, dict[str, Any]]] = []
        self._begun = self._ended = False
        self._made = 0.0
        self._latest = 0.0  # when the newest block was signed
        self._key = ""
        self._totals: dict[str, Any] = {}

    def add(self, data: bytes, piece: Piece) -> None:
        places = [self._chain.place if self._chain else "-"]
        for number, part in piece.parts:
            if isinstance(part, Run):
                self._report.records += part.count
                self._run(part, number)
            elif isinstance(part, str):
                self._report.add("MALFORMED", part, line=number)
            else:
                self._line(part, number)
                if "segment" in part:
                    places.append(self._chain.place if self._chain else "-")
        self.calls.add(piece, places)
        if self._ended:
            data = data[: data.rstrip(b"\n").rfind(b"\n") + 1]
        self._hash.update(data)

    def _run(self, run: Run, number: int) -> None:
        if self._chain is None or self._ended:
            self._report.add("MALFORMED", "a record outside of any segment", line=number)
        else:
            self._chain.run(run)
            self._payloads.named(run.payloads, self._chain.place)

    def _line(self, said: dict[str, Any], number: int) -> None:
        if not self._begun:
            self._begin(said)
        elif self._ended:
            self._report.add("MALFORMED", "goes on after its last line", line=number)
        elif "segment" in said:
            self._close()
            self._segment(said, number)
        elif "block" in said:
            self._block(said, number)
        elif "payload" in said:
            self._payloads.met(said, number)
        elif "end" in said:
            self._close()
            self._ended = True
            self._totals = said
        elif "checkpoint" in said or "statement" in said:
            self._aside(said, number)
        elif "key" not in said:
            self._report.add("MALFORMED", "a line of no known kind", line=number)

    def _segment(self, said: dict[str, Any], number: int) -> None:
        self._report.segments += 1
        try:
            place = heads.place(said)
        except heads.ShapeError as error:
            self._report.add("MALFORMED", str(error), line=number)
            return
        if place[1] in self._ends:
            self._report.add("ORDER", "a segment stands here twice", line=number)
        replica = said.get("replica")
        self._chain = Chain(
            place, replica, self._trust, self._witnessed, self._stated, self._report
        )

    def _block(self, said: dict[str, Any], number: int) -> None:
        self._payloads.settle()
        try:
            head = heads.read(said)
        except heads.ShapeError as error:
            self._report.add("MALFORMED", str(error), line=number)
            return
        self._key = head.key
        self._latest = max(self._latest, head.signed_at)
        if self._chain is None:
            self._report.add("MALFORMED", "a block outside of any segment", line=number)
        else:
            self._chain.block(head)
            place = (self._chain.day, self._chain.segment)
            self._receipts.block(*place, head.block, self._chain.head)

    def _aside(self, said: dict[str, Any], number: int) -> None:
        """Other evidence than blocks: checkpoints, and statements about what is gone."""
        try:
            data = base64.b64decode(str(said.get("base64")), validate=True)
        except ValueError:
            self._report.add("MALFORMED", "a checkpoint or signature is not base64", line=number)
            return
        if "statement" in said:
            self._stated.add(str(said["statement"]), data)
        elif not self._own:
            self._witnessed.add(str(said["checkpoint"]), data)

    def _begin(self, said: dict[str, Any]) -> None:
        version = said.get("ledger_export")
        if version not in (PLAIN, WITH_PAYLOADS):
            raise UnusableError("not an export of the ledger, or of a later version than this")
        self._payloads.carried = version == WITH_PAYLOADS
        self._begun = True
        report = self._report
        report.since, report.until, report.made = (
            str(said.get(name)) for name in ("since", "until", "made")
        )
        try:
            self._made = datetime.fromisoformat(report.made).timestamp()
        except ValueError:
            self._report.add("MALFORMED", "the first line has no time", line=1)

    def _close(self) -> None:
        self._payloads.settle()
        chain, self._chain = self._chain, None
        if chain is None:
            return
        chain.end()
        self._ends[chain.segment] = (chain.day, chain.seq, chain.head)
        if chain.previous is not None:
            self._named.append((chain, chain.previous))
        if chain.suspect:
            self.suspects[chain.segment] = (chain.day, self._key)

    def end(self) -> None:
        if not self._begun:
            raise UnusableError("empty: not an export of the ledger")
        self.digest = self._hash.hexdigest()
        if not self._ended:
            self.broken("the file ends before the export's last line")
            return
        report = self._report
        counts = {name: getattr(report, name) for name in ("segments", "blocks", "records")}
        if self._totals.get("end") != counts:
            report.add(
                "INCOMPLETE", f"its last line counts {self._totals.get('end')}, here are {counts}"
            )
        elif self._totals.get("sha256") != self.digest:
            report.add("INCOMPLETE", "its last line has the digest of other lines than these")
        if self._made and self._made < self._latest - CLOCK_SECONDS:
            what = f"made {report.made}, it says, and holds what was signed after that"
            report.add("CLOCK", what, line=1)
        self._predecessors()
        self._witnessed.missing(report.since, report.until, self._stated)
        self._receipts.end(report.since, report.until, self._stated.stones)
        self.calls.end(report, self._made)

    def broken(self, what: str) -> None:
        """What was read so far has been checked; nothing is claimed about the rest."""
        self._report.add("INCOMPLETE", what)

    def _predecessors(self) -> None:
        """A segment begun at midnight names the end of the one before it."""
        for chain, named in self._named:
            if str(named.get("day", "")) < self._report.since:
                continue
            name = str(named.get("segment"))
            place = {"day": chain.day, "segment": chain.segment}
            if name not in self._ends:
                self._report.add(
                    "SEGMENT-MISSING", f"segment {name} came before and is gone", **place
                )
                continue
            day, records, head = self._ends[name]
            if (records, head) != (named.get("records"), named.get("head")):
                what = f"ends at record {records}, its successor names {named.get('records')}"
                self._report.add("TRUNCATED", what, day=day, segment=name)
