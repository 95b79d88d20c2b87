"""A signed restore statement: who went back to which backup, what was kept, what is known lost.

With it the verifier reports RESTORED and the range, where it would say TRUNCATED for ever. It
excuses only what it names: the heads that checkpoints had seen when it was written. It is shown at
each verification, so that whoever signs one to hide a cut hides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.audit.block import Header, Keys, instant
from mcp_gateway.audit.chain import CLOCK_LIMIT
from mcp_gateway.audit.findings import Finding, Report
from mcp_gateway.audit.statements import statement
from mcp_gateway.audit.statements.statement import StatementError
from mcp_gateway.audit.store import Connection

_ALL = "SELECT statement, signature FROM audit.restored ORDER BY serial"
_THERE = "SELECT to_regclass('audit.restored') IS NOT NULL"

Place = tuple[date, UUID]


@dataclass(frozen=True, slots=True)
class End:
    """Where a segment ends in the backup."""

    day: date
    segment: UUID
    block: int  # 0 where the backup has nothing of it
    head: bytes
    seen: int = 0  # the last block that a checkpoint has seen

    @property
    def place(self) -> Place:
        return self.day, self.segment


@dataclass(frozen=True, slots=True)
class Restored:
    """One restore, as it was signed."""

    by: str
    at: datetime
    backup: str
    taken: datetime
    ends: Mapping[Place, End]

    def lost(self) -> list[str]:
        """What is known to be gone, segment by segment."""
        return [
            f"{end.day} segment {end.segment} blocks {end.block + 1} to {end.seen}"
            for end in self.ends.values()
            if end.seen > end.block
        ]

    def covers(self, header: Header) -> bool:
        """Whether a block that a receipt proves was lost then."""
        end = self.ends.get((header.day, header.segment))
        if end is not None:
            return header.block > end.block
        return self.taken <= header.signed_at <= self.at

    def told(self) -> str:
        lost = "; ".join(self.lost()) or "nothing that a checkpoint has seen"
        when = f"{self.at:%Y-%m-%d %H:%M} UTC"
        return f"restored {when} by {self.by} from {self.backup}; lost: {lost}"


def sign(
    key: Ed25519PrivateKey, *, by: str, at: datetime, backup: str, taken: datetime,
    ends: Sequence[End],
) -> tuple[str, bytes]:  # fmt: skip
    said = {
        "by": by,
        "at": instant(at),
        "backup": backup,
        "taken": instant(taken),
        "ends": [
            {
                "day": end.day.isoformat(),
                "segment": str(end.segment),
                "block": end.block,
                "head": end.head.hex(),
                "seen": end.seen,
            }
            for end in ends
        ],
    }
    return statement.make("restore", said, key)


async def load(connection: Connection, keys: Keys, report: Report | None = None) -> list[Restored]:
    """The genuine ones, oldest first. Another one is a finding."""
    if not await connection.fetchval(_THERE):
        return []
    found = []
    for row in await connection.fetch(_ALL):
        try:
            found.append(_read(statement.read("restore", row[0], row[1], keys)))
        except (StatementError, KeyError, ValueError, TypeError) as error:
            if report is not None:
                report.add(Finding("RESTORED", f"a restore statement is not genuine: {error}"))
    return found


def excused(
    restores: Sequence[Restored], place: Place, block: int, head: bytes, grown: datetime | None
) -> int:
    """Up to which block a checkpoint's word is excused for a segment that ends like this.

    `grown` is when the last checkpoint named it: an earlier statement names what was to come.
    """
    return max(
        (
            end.seen
            for restore in restores
            if (end := restore.ends.get(place))
            and (end.block, end.head) == (block, head)
            and (grown is None or grown <= restore.at + CLOCK_LIMIT)
        ),
        default=0,
    )


def _read(said: Mapping[str, Any]) -> Restored:
    ends = [
        End(
            date.fromisoformat(one["day"]), UUID(one["segment"]), int(one["block"]),
            bytes.fromhex(one["head"]), int(one["seen"]),
        )
        for one in said["ends"]
    ]  # fmt: skip
    return Restored(
        str(said["by"]), datetime.fromisoformat(said["at"]), str(said["backup"]),
        datetime.fromisoformat(said["taken"]), {end.place: end for end in ends},
    )  # fmt: skip
