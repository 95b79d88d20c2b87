"""The whole export: pieces to worker processes, their facts in order to the chains."""

import base64
import binascii
import contextlib
import time
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from mcp_gateway.audit.offline import heads, opening, reading
from mcp_gateway.audit.offline.ahead import cores, pieces_read
from mcp_gateway.audit.offline.calls import Calls
from mcp_gateway.audit.offline.chain import Chain
from mcp_gateway.audit.offline.checkpoints import Checkpoints
from mcp_gateway.audit.offline.reading import Piece, Run
from mcp_gateway.audit.offline.report import Report, TooManyError
from mcp_gateway.audit.offline.statements import Statements
from mcp_gateway.audit.offline.trust import Trust, UnusableError

VERSION = 1


def verify(
    name: str,
    trust: Trust,
    *,
    jobs: int | None = None,
    signers: dict[str, bytes] | None = None,
    checkpoints: Path | None = None,
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
    export = _Export(trust, witnessed, report)
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
        _first_unsigned(name, export.suspects, trust, report)
    elif export.suspects:
        for segment, (day, key) in export.suspects.items():
            _unsigned(report, trust, key, day=day, segment=segment)
    report.checkpoints = witnessed.entries
    report.seconds = time.perf_counter() - started
    return report, export.digest


class _Export:
    def __init__(self, trust: Trust, witnessed: Checkpoints, report: Report) -> None:
        self.calls = Calls()
        self._witnessed = witnessed
        self._stated = Statements(trust, report)
        self._own = witnessed.entries > 0  # the auditor's copy is asked, not the export's
        self.suspects: dict[str, tuple[str, str]] = {}
        self.digest = ""
        self._trust = trust
        self._report = report
        self._hash = sha256()
        self._chain: Chain | None = None
        self._ends: dict[str, tuple[str, int, str]] = {}  # day, records, head of each segment
        self._named: list[tuple[Chain, dict[str, Any]]] = []
        self._begun = self._ended = False
        self._made = 0.0
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

    def _line(self, said: dict[str, Any], number: int) -> None:
        if not self._begun:
            self._begin(said)
        elif self._ended:
            self._report.add("MALFORMED", "goes on after its last line", line=number)
        elif "segment" in said:
            self._close()
            if str(said["segment"]) in self._ends:
                self._report.add("ORDER", "a segment stands here twice", line=number)
            self._chain = Chain(said, self._trust, self._witnessed, self._stated, self._report)
            self._report.segments += 1
        elif "block" in said:
            self._block(said, number)
        elif "end" in said:
            self._close()
            self._ended = True
            self._totals = said
        elif "checkpoint" in said or "statement" in said:
            self._aside(said, number)
        elif "key" not in said:
            self._report.add("MALFORMED", "a line of no known kind", line=number)

    def _block(self, said: dict[str, Any], number: int) -> None:
        try:
            head = heads.read(said)
        except heads.ShapeError as error:
            self._report.add("MALFORMED", str(error), line=number)
            return
        self._key = head.key
        if self._chain is None:
            self._report.add("MALFORMED", "a block outside of any segment", line=number)
        else:
            self._chain.block(head)

    def _aside(self, said: dict[str, Any], number: int) -> None:
        """Other evidence than blocks: checkpoints, and statements about what is gone."""
        try:
            data = base64.b64decode(str(said.get("base64")), validate=True)
        except binascii.Error:
            self._report.add("MALFORMED", "a checkpoint or signature is not base64", line=number)
            return
        if "statement" in said:
            self._stated.add(str(said["statement"]), data)
        elif not self._own:
            self._witnessed.add(str(said["checkpoint"]), data)

    def _begin(self, said: dict[str, Any]) -> None:
        if said.get("ledger_export") != VERSION:
            raise UnusableError(f"not an export of the ledger, or not of version {VERSION}")
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
        self._predecessors()
        self._witnessed.missing(report.since, report.until, self._stated)
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


def _first_unsigned(
    name: str, suspects: dict[str, tuple[str, str]], trust: Trust, report: Report
) -> None:
    """The last signature was wrong: name the first block from which the chain was rewritten."""
    left = dict(suspects)
    segment = day = ""
    for said in _others(name):
        if "segment" in said:
            segment, day = str(said["segment"]), str(said.get("day"))
        elif "block" in said and segment in left:
            with contextlib.suppress(heads.ShapeError, TooManyError):
                head = heads.read(said)
                if not trust.signed(head.key, head.signature, head.text(day, segment)):
                    del left[segment]
                    _unsigned(report, trust, head.key, day=day, segment=segment, block=head.block)


def _others(name: str) -> Iterator[dict[str, Any]]:
    """Every line that is not a record, as far as the file goes."""
    with contextlib.suppress(opening.BrokenError):
        for data in opening.pieces(name):
            for line in data.split(b"\n"):
                if line and not line.startswith(b'{"seq":'):
                    said = reading.other(line)
                    if isinstance(said, dict):
                        yield said


def _unsigned(report: Report, trust: Trust, key: str, **place: Any) -> None:
    what = (
        "not signed by its gateway; it or what precedes it was rewritten"
        if key in trust.keys
        else f"signed with key {key}, which is not among the trusted keys"
    )
    report.add("BLOCK", what, **place)
