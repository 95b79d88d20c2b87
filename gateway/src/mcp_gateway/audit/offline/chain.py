"""One segment, block after block. Pure: facts in, findings out.

A block names the hash of the block before it, signature included, so the last signature of an
unbroken chain vouches for all of them: others are checked only where a link fails.
"""

from typing import Any

from mcp_gateway.audit.offline.checkpoints import Checkpoints
from mcp_gateway.audit.offline.heads import Head
from mcp_gateway.audit.offline.reading import Run, root
from mcp_gateway.audit.offline.report import Report
from mcp_gateway.audit.offline.statements import CLOCK_SECONDS, Statements
from mcp_gateway.audit.offline.trust import Trust

GENESIS = "0" * 64


class Chain:
    def __init__(
        self,
        place: tuple[str, str],
        replica: object,
        trust: Trust,
        witnessed: Checkpoints,
        stated: Statements,
        report: Report,
    ) -> None:
        self.day, self.segment = place
        self.seq = 0
        self.head = GENESIS
        self.previous: dict[str, Any] | None = None
        self.suspect = False  # some signature is wrong; a second reading finds the first
        self._replica = replica
        self._trust = trust
        self._witnessed = witnessed
        self._stated = stated
        self._report = report
        self._block = 0
        self._key: str | None = None
        self._open: Head | None = None  # the block whose records are arriving
        self._runs: list[Run] = []
        self._stray = 0
        if not isinstance(self._replica, str):
            self._found("UNREGISTERED-SEGMENT", "has rows here and is not registered for this day")

    @property
    def place(self) -> str:
        return f"{self.day} segment {self.segment}"

    def block(self, head: Head) -> None:
        before = self._open
        self._contents()
        expected = self._block + 1
        if head.block != expected:
            what = (
                f"blocks {expected} to {head.block - 1} are missing"
                if head.block > expected
                else f"block {head.block} stands after block {self._block}"
            )
            self._found("GAP" if head.block > expected else "ORDER", what, block=expected)
        elif head.prev != self.head:
            self._broken_link(before, head)
        elif head.first != self.seq + 1:
            what = f"begins at record {head.first}, expected {self.seq + 1}"
            self._found("BLOCK", what, block=head.block)
        if self._key not in (None, head.key):
            what = f"signed with key {head.key}, the segment began with {self._key}"
            self._found("BLOCK", what, block=head.block)
        if before is not None and head.signed_at < before.signed_at - CLOCK_SECONDS:
            what = f"signed {head.signed}, after a block signed {before.signed}"
            self._found("CLOCK", what, block=head.block)
        self._key, self._block, self._open = head.key, head.block, head
        self.head = head.hash(self.day, self.segment)
        self._report.blocks += 1
        known = self._witnessed.head(self.day, self.segment, head.block)
        if known not in (None, self.head):
            self._found("CHECKPOINT", "a checkpoint has seen another head", block=head.block)

    def run(self, run: Run) -> None:
        """Records after the block's line."""
        if self._open is None:
            self._stray += run.count
            return
        if self._runs and self._runs[-1].end == run.first:  # went on in the next piece
            last = self._runs[-1]
            last.leaves += run.leaves
            last.count += run.count
            last.root = None
            last.replicas |= run.replicas
            last.latest = max(last.latest, run.latest)
            last.unreadable += run.unreadable
        else:
            self._runs.append(run)
        self.previous = self.previous or run.previous

    def end(self) -> None:
        last = self._open
        self._contents()
        self._retired()
        if self._stray:
            what = f"{self._stray} records are covered by no signature"
            self._found("BLOCK", what, seq=self.seq + 1)
        known = self._witnessed.last(self.day, self.segment)
        grown = self._witnessed.grown(self.day, self.segment)
        excused = self._stated.excused((self.day, self.segment), self._block, self.head, grown)
        if known > max(self._block, excused):
            what = f"ends at block {self._block}, a checkpoint has seen block {known}"
            self._found("TRUNCATED", what)
        if not self._block and not excused:
            self._found("SEGMENT-EMPTY", "registered, without a block")
        if last is not None and not self._signed(last):
            self.suspect = True

    def _retired(self) -> None:
        stone = self._stated.stones.get((self.day, self.segment))
        if stone is not None and self._block:
            self._found("TOMBSTONE", "has a tombstone, and rows")
        elif stone is not None:
            self.seq, self._block, self.head = stone
            self._report.retired += 1
            if self._witnessed.head(self.day, self.segment, self._block) not in (None, self.head):
                self._found("TOMBSTONE", "a checkpoint has seen another head of its last block")

    def _signed(self, head: Head) -> bool:
        return self._trust.signed(
            head.key, head.signature, head.text(self.day, self.segment), head.signed
        )

    def _broken_link(self, before: Head | None, head: Head) -> None:
        if before is not None and not self._signed(before):
            self._found("BLOCK", "its head or signature was changed", block=before.block)
        elif not self._signed(head):
            self._found("BLOCK", "its head or signature was changed", block=head.block)
        else:
            self._found("BLOCK", "does not follow the block before it", block=head.block)

    def _contents(self) -> None:
        """The open block is complete: what of it is here?"""
        head, runs = self._open, self._runs
        self._open, self._runs = None, []
        if head is None:
            return
        if len(runs) == 1 and (runs[0].first, runs[0].end) == (self.seq + 1, head.last + 1):
            if (runs[0].root or root(runs[0].leaves)).hex() != head.root:
                what = f"records {head.first} to {head.last} are not what was signed"
                self._found("BLOCK", what, block=head.block)
        else:
            self._incomplete(head, runs)
        if abs(head.signed_at - head.stored) > CLOCK_SECONDS:
            self._found("CLOCK", f"signed {head.signed}, stored at another time", block=head.block)
        for run in runs:
            self._records(run, head)
        self.seq = max(self.seq, head.last)

    def _incomplete(self, head: Head, runs: list[Run]) -> None:
        wanted = range(self.seq + 1, head.last + 1)
        numbers = [seq for run in runs for seq in range(run.first, run.end)]
        there = set(numbers)
        missing = [seq for seq in wanted if seq not in there]
        beyond = [seq for seq in numbers if seq not in wanted]
        if missing:
            what = f"{len(missing)} records are missing"
            self._found("GAP", what, block=head.block, seq=missing[0])
        if beyond:
            what = f"{len(beyond)} records stand here that are not of this block"
            self._found("ORDER", what, block=head.block, seq=beyond[0])
        if not missing and not beyond:
            what = "its records stand in another order, or twice"
            seq = next((run.first for run in runs[1:]), head.first)
            self._found("ORDER", what, block=head.block, seq=seq)

    def _records(self, run: Run, head: Head) -> None:
        for seq in run.unreadable:
            self._found("BODY", "is not a JSON object", block=head.block, seq=seq)
        if isinstance(self._replica, str) and run.replicas - {self._replica}:
            what = "the segment is registered for another replica than its records name"
            self._found("BODY", what, block=head.block, seq=run.first)
        if run.latest > head.stored + CLOCK_SECONDS:
            self._found("CLOCK", "a record is dated in the future", block=head.block)

    def _found(self, kind: str, what: str, **place: Any) -> None:
        self._report.add(kind, what, day=self.day, segment=self.segment, **place)
