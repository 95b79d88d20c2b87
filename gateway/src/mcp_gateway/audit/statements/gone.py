"""What is gone on purpose, as far as signed statements say so: retired segments, lost tails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self
from uuid import UUID

from mcp_gateway.audit.block import GENESIS, Keys
from mcp_gateway.audit.chain import Chain
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.findings import Finding, Report
from mcp_gateway.audit.statements import restored as statement_restored
from mcp_gateway.audit.statements import tombstone
from mcp_gateway.audit.statements.restored import Place, Restored
from mcp_gateway.audit.statements.tombstone import Tombstone
from mcp_gateway.audit.store import Connection


@dataclass(frozen=True, slots=True)
class Gone:
    stones: dict[UUID, Tombstone]
    restores: Sequence[Restored]
    witnessed: Witnessed

    @classmethod
    async def load(
        cls, connection: Connection, since: date, keys: Keys, report: Report,
        witnessed: Witnessed | None = None,
    ) -> Self:  # fmt: skip
        """Statements that are not genuine become findings of the report."""
        restores = await statement_restored.load(connection, keys, report)
        report.restored = [restore.told() for restore in restores]
        stones = await tombstone.load(connection, since, keys, report)
        return cls(stones, restores, witnessed or Witnessed())

    def retired(self, chain: Chain, report: Report) -> bool:
        """Whether a segment without a row has a tombstone; its chain then ends as that says."""
        stone = self.stones.get(chain.segment)
        if stone is None or stone.day != chain.day:
            return False
        chain.seq, chain.block, chain.head = stone.records, stone.blocks, stone.head
        report.retired += 1
        wrong = stone.contradicts(self.witnessed.of(chain.day, chain.segment))
        if wrong is not None:
            report.add(Finding("TOMBSTONE", wrong, chain.day, chain.segment))
        return True

    def still_there(self, chain: Chain, report: Report) -> None:
        """A segment that has both rows and a tombstone: one of them lies."""
        if chain.segment in self.stones:
            what = "has a tombstone, and rows"
            report.add(Finding("TOMBSTONE", what, chain.day, chain.segment))

    def excused(self, chain: Chain) -> int:
        """The last block whose loss a restore statement explains."""
        return self._excused((chain.day, chain.segment), chain.block, chain.head)

    def explains(self, finding: Finding) -> bool:
        """Whether a segment that only checkpoints know was lost whole in a restore."""
        if finding.kind != "SEGMENT-MISSING" or finding.day is None or finding.segment is None:
            return False
        place = (finding.day, finding.segment)
        seen = max(self.witnessed.of(*place), default=0)
        return 0 < seen <= self._excused(place, 0, GENESIS)

    def _excused(self, place: Place, block: int, head: bytes) -> int:
        grown = self.witnessed.grown.get(place)
        return statement_restored.excused(self.restores, place, block, head, grown)


def told(report: Report) -> list[str]:
    """For a person, at every verification."""
    lines = [f"retired, with a tombstone: {report.retired} segments"] if report.retired else []
    return lines + [f"RESTORED  {one}" for one in report.restored]
