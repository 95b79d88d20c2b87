"""What was found, in words an auditor can act on."""

from dataclasses import asdict, dataclass, field
from typing import Any

MEANING = {
    "GAP": "records or blocks are missing from the middle",
    "BLOCK": "what is exported is not what was signed",
    "ORDER": "records are not in the order, or not in the block, an export has them in",
    "BODY": "a record's body is not the JSON object that a gateway writes",
    "UNREGISTERED-SEGMENT": "records of a segment that no gateway registered",
    "SEGMENT-EMPTY": "a registered segment has lost all its blocks",
    "SEGMENT-MISSING": "a segment that a later one names is gone",
    "TRUNCATED": "a segment ends before the place a later one, or a checkpoint, names",
    "CHECKPOINT": "what was written down outside the database says otherwise",
    "STATEMENT": "a tombstone or restore statement nobody trusted has signed",
    "TOMBSTONE": "a segment is said to be retired, and is here, or ended otherwise",
    "DUPLICATE": "the same call is recorded twice in the same role",
    "OPEN-INTENT": "a call was let through and its outcome never recorded",
    "CLOCK": "the gateway's clock and the database's disagree",
    "MALFORMED": "a line that no export has",
    "INCOMPLETE": "the file is not a whole export",
    "PAYLOAD": "encrypted arguments are missing, or not those that were signed",
    "RECEIPT": "a caller's receipt proves what is not in this export, or nothing",
    "PROOF": "the export is not the one whose making the ledger recorded",
}
LISTED = 100  # findings kept in full; more are counted
MOST = 10_000  # after so many, reading on teaches nothing


class TooManyError(Exception):
    """Reading on teaches nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    what: str
    segment: str | None = None
    day: str | None = None
    block: int | None = None
    seq: int | None = None
    line: int | None = None

    def place(self) -> str:
        parts = [
            self.day or "",
            f"segment {self.segment}" if self.segment else "",
            f"block {self.block}" if self.block is not None else "",
            f"record {self.seq}" if self.seq is not None else "",
            f"(line {self.line})" if self.line is not None else "",
        ]
        return " ".join(part for part in parts if part)


@dataclass(slots=True)
class Report:
    records: int = 0
    blocks: int = 0
    segments: int = 0
    seconds: float = 0.0
    total: int = 0
    since: str = ""
    until: str = ""
    made: str = ""
    findings: list[Finding] = field(default_factory=list)
    open: list[dict[str, Any]] = field(default_factory=list)
    under_way: int = 0
    keys: list[str] = field(default_factory=list)
    checkpoints: int = 0
    payloads: int = 0  # encrypted arguments that it carries
    retired: int = 0
    restored: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)  # whose records are in it
    recorded: str = ""  # where the ledger says that this export was made

    @property
    def sound(self) -> bool:
        return not self.total

    def add(self, kind: str, what: str, **place: Any) -> None:
        self.total += 1
        if len(self.findings) < LISTED:
            self.findings.append(Finding(kind, what, **place))
        if self.total >= MOST:
            raise TooManyError

    def as_json(self) -> dict[str, Any]:
        said = asdict(self)
        said["found"] = said.pop("total")
        for finding in said["findings"]:
            for name in [name for name, value in finding.items() if value is None]:
                del finding[name]
        return {"sound": self.sound, **said}

    def text(self) -> str:
        rate = self.records / self.seconds if self.seconds else 0
        size = f"{self.records:,} records, {self.blocks:,} blocks, {self.segments:,} segments"
        lines = [
            f"export of {self.since} to {self.until}, made {self.made}",
            f"{size} verified in {self.seconds:.1f} s ({rate:,.0f} records/s)",
            f"trusted keys: {', '.join(self.keys)}",
        ]
        if self.recorded:
            lines.append(f"its making is on the record: {self.recorded}")
        if self.payloads:
            lines.append(f"encrypted arguments of {self.payloads:,} calls, as they were signed")
        if self.retired:
            lines.append(f"retired, with a tombstone: {self.retired} segments")
        lines += [printable(f"RESTORED  {one}") for one in self.restored]
        if self.under_way:
            lines.append(
                f"under way when it was made: {self.under_way} calls without an outcome yet"
            )
        for call in self.open[:20]:
            words = f"{call['rid']} of {call['person']} to {call['target']}"
            lines.append(printable(f"open: call {words}, {call['place']}"))
        lines += [printable(f"receipt {one}") for one in self.receipts]
        if self.sound:
            lines.append("OK  everything in it is what was signed")
            lines.append(
                f"    and goes as far as {self.checkpoints:,} checkpoints say"
                if self.checkpoints
                else "    not covered without checkpoints: a cut tail, a whole segment left out"
            )
        else:
            lines += self._failure()
        return "\n".join(lines)

    def _failure(self) -> list[str]:
        lines = [f"FAILED  {self.total} finding{'s' if self.total != 1 else ''}; the first:"]
        lines += [
            printable(f"  {f.kind:<21} {f'{f.place()}: ' if f.place() else ''}{f.what}")
            for f in self.findings[:20]
        ]
        if self.total > 20:
            lines.append(f"  … and {self.total - 20:,} more")
        kinds = dict.fromkeys(finding.kind for finding in self.findings)
        return lines + [f"  {kind}: {MEANING[kind]}" for kind in kinds]


def printable(text: str) -> str:
    """Without anything that could steer a terminal: callers chose some of it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
