"""What stands where a retired segment was: how it ended, where it went, and who agreed, signed.

The verifier lets a missing segment pass only with one, and holds it against every later word of
the segment: its successor, and the checkpoints.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.audit.block import Keys, instant
from mcp_gateway.audit.findings import Finding, Report
from mcp_gateway.audit.statements import statement
from mcp_gateway.audit.statements.statement import StatementError
from mcp_gateway.audit.store import Connection

_ALL = "SELECT * FROM audit.tombstone WHERE seg_day >= $1"
_THERE = "SELECT to_regclass('audit.tombstone') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One segment that was retired."""

    day: date
    segment: UUID
    records: int
    blocks: int
    head: bytes
    root: bytes  # Merkle root over the hashes of its blocks

    def sign(
        self,
        key: Ed25519PrivateKey,
        *,
        at: datetime,
        export: Mapping[str, str],
        names: tuple[str, str],
    ) -> tuple[str, bytes]:
        """`export` names the verified file and its digest; `names` proposed and approved."""
        said = {
            "day": self.day.isoformat(),
            "segment": str(self.segment),
            "records": self.records,
            "blocks": self.blocks,
            "head": self.head.hex(),
            "root": self.root.hex(),
            "export": dict(export),
            "proposed_by": names[0],
            "approved_by": names[1],
            "at": instant(at),
        }
        return statement.make("tombstone", said, key)

    def contradicts(self, seen: Mapping[int, bytes]) -> str | None:
        """What a checkpoint knows otherwise."""
        if not seen:
            return None
        last = max(seen)
        if last > self.blocks:
            return f"its tombstone counts {self.blocks} blocks, a checkpoint has seen block {last}"
        if seen.get(self.blocks, self.head) != self.head:
            return f"block {self.blocks} of its tombstone is not the one a checkpoint has seen"
        return None


async def load(
    connection: Connection, since: date, keys: Keys, report: Report
) -> dict[UUID, Tombstone]:
    """The genuine ones. One that is not, or whose row says otherwise, is a finding."""
    if not await connection.fetchval(_THERE):
        return {}  # a copy from before there were any
    found = {}
    for row in await connection.fetch(_ALL, since):
        try:
            said = statement.read("tombstone", row["statement"], row["signature"], keys)
            stone = _read(said)
        except (StatementError, KeyError, ValueError, TypeError) as error:
            report.add(Finding("TOMBSTONE", str(error), row["seg_day"], row["seg"]))
            continue
        names = (said.get("proposed_by"), said.get("approved_by"))
        columns = (stone.day, stone.segment, stone.records, stone.head, *names)
        stored = (row["seg_day"], row["seg"], row["records"], row["head"])
        if columns != (*stored, row["proposed_by"], row["approved_by"]) or names[0] == names[1]:
            what = "its columns are not what was signed"
            report.add(Finding("TOMBSTONE", what, row["seg_day"], row["seg"]))
            continue
        found[stone.segment] = stone
    return found


def _read(said: Mapping[str, Any]) -> Tombstone:
    return Tombstone(
        date.fromisoformat(said["day"]), UUID(said["segment"]), int(said["records"]),
        int(said["blocks"]), bytes.fromhex(said["head"]), bytes.fromhex(said["root"]),
    )  # fmt: skip
