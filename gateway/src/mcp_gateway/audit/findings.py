"""What a verification can say: findings, and the report that holds them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

Kind = Literal[
    "GAP",
    "BLOCK",
    "PROJECTION",
    "PAYLOAD",
    "UNREGISTERED-SEGMENT",
    "SEGMENT-EMPTY",
    "SEGMENT-MISSING",
    "TRUNCATED",
    "TOMBSTONE",
    "RESTORED",
    "CHECKPOINT-ROOT",
    "CHECKPOINT-HEAD",
    "DUPLICATE",
    "OPEN-INTENT",
    "CLOCK",
    "RECEIPT-INVALID",
    "RECEIPT-MISMATCH",
    "RECEIPT-TRUNCATED",
    "RECEIPT-RETIRED",
]

MEANING: dict[Kind, str] = {
    "GAP": "records or blocks are missing from the middle",
    "BLOCK": "what is stored is not what was signed",
    "PROJECTION": "a searchable column no longer says what the record says",
    "PAYLOAD": "encrypted arguments are gone, or not those that were signed",
    "UNREGISTERED-SEGMENT": "records of a segment that no gateway registered",
    "SEGMENT-EMPTY": "a registered segment has lost all its blocks",
    "SEGMENT-MISSING": "a segment that a later one or a checkpoint names is gone",
    "TRUNCATED": "a segment ends before the place a later one or a checkpoint names",
    "TOMBSTONE": "what says that a segment was retired is not genuine, or contradicted",
    "RESTORED": "lost when a backup was restored, as a signed statement says",
    "CHECKPOINT-ROOT": "the checkpoints are not one unbroken line up to the last one seen",
    "CHECKPOINT-HEAD": "a block is not the one that a checkpoint has seen",
    "DUPLICATE": "the same call is recorded twice in the same role",
    "OPEN-INTENT": "a call was let through and its outcome never recorded",
    "CLOCK": "the gateway's clock and the database's disagree",
    "RECEIPT-INVALID": "the receipt does not prove anything",
    "RECEIPT-MISMATCH": "the record at the receipt's place is another one",
    "RECEIPT-TRUNCATED": "the receipt is genuine and its record is gone",
    "RECEIPT-RETIRED": "the receipt is genuine; its day was retired, an export holds it",
}

LISTED = 100  # findings kept in full; more are counted


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    what: str
    day: date | None = None
    segment: UUID | None = None
    block: int | None = None
    seq: int | None = None

    def place(self) -> str:
        parts = [
            f"{self.day}" if self.day else "",
            f"segment {self.segment}" if self.segment else "",
            f"block {self.block}" if self.block is not None else "",
            f"record {self.seq}" if self.seq is not None else "",
        ]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """A call under way, or one whose gateway died before it could record the outcome."""

    rid: str
    ts: datetime | None
    person: str | None
    server: str | None
    tool: str | None


@dataclass(slots=True)
class Report:
    """Grows while the verifier streams; sound when nothing was found."""

    records: int = 0
    blocks: int = 0
    segments: int = 0
    payloads: int = 0  # encrypted arguments that a record names
    seconds: float = 0.0
    total: int = 0
    findings: list[Finding] = field(default_factory=list)
    open: list[OpenIntent] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    checkpoints: dict[str, Any] | None = None  # what was compared with; None without any
    # gone on purpose and stated so: no finding, and never silent
    retired: int = 0  # segments
    restored: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.total

    def add(self, finding: Finding) -> None:
        self.total += 1
        if len(self.findings) < LISTED:
            self.findings.append(finding)

    def as_json(self) -> dict[str, Any]:
        return {
            "sound": self.sound,
            "records": self.records,
            "blocks": self.blocks,
            "segments": self.segments,
            "payloads": self.payloads,
            "seconds": round(self.seconds, 3),
            "found": self.total,
            "findings": self.findings,
            "open": self.open,
            "keys": self.keys,
            "checkpoints": self.checkpoints,
            "retired": self.retired,
            "restored": self.restored,
        }
