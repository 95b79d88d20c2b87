"""Checks one segment, run after run of its blocks and records. Pure: rows in, findings out.

A block names the hash of the block before it, signature included, so the last signature of an
unbroken chain vouches for all of them: others are checked only where a link fails. That makes a
quiet ledger, with one record to a block, as quick to verify as a busy one.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson

from mcp_gateway.audit import merkle
from mcp_gateway.audit.block import GENESIS, Block, Header, Keys, leaves
from mcp_gateway.audit.findings import Finding, Kind, Report
from mcp_gateway.audit.projection import COLUMNS, project

BLOCK_COLUMNS = "block, first_seq, count, prev, root, signed_at, key, signature, db_ts"
RECORD_COLUMNS = "seq, block, body, " + ", ".join(COLUMNS)
COUNT_LIMIT = 100_000  # far above what a gateway writes; a larger one is a forged row
CLOCK_LIMIT = timedelta(minutes=2)

Named = dict[str, tuple[str, str]]  # call → key and hash of its ciphertext
Row = Any  # a tuple or the driver's record, in the order of BLOCK_COLUMNS or RECORD_COLUMNS


class Chain:
    """One segment from its first block on."""

    def __init__(
        self,
        day: date,
        segment: UUID,
        replica: str | None,
        keys: Keys,
        report: Report,
        seen: Mapping[int, bytes] = MappingProxyType({}),
    ) -> None:
        self.day = day
        self.segment = segment
        self.seq = 0
        self.head = GENESIS
        self.previous: Mapping[str, Any] | None = None  # as the first record names it
        self.suspect = False  # some signature is wrong; `first_unsigned` finds the first
        self._replica = replica
        self._keys = keys
        self._seen = seen  # hashes of blocks, as checkpoints outside the database have them
        self._report = report
        self.block = 0
        self.excused = 0  # the last block whose loss a restore statement explains
        self.rows = 0  # records of it that were met, signed or not
        self.payloads: Named = {}  # encrypted arguments that its records name, to be looked for
        self._key: str | None = None
        self._signed_at: datetime | None = None  # of the block before
        self._unchecked: Block | None = None

    def run(self, blocks: Sequence[Row], records: Sequence[Row]) -> None:
        """Blocks in order, and every record up to the last of them."""
        position = 0
        for row in blocks:
            block = read_block(self.day, self.segment, row)
            self._link(block)
            end = position
            while end < len(records) and records[end][0] <= block.header.last_seq:
                end += 1
            self._contents(block.header, records[position:end], row[8])
            position = end
            self._report.blocks += 1
        self._report.records += len(records)
        self.rows += len(records)

    def end(self, uncovered: int) -> None:
        """After the last block: its signature vouches for the chain, and nothing may follow it."""
        self.rows += uncovered
        if self._seen and (last := max(self._seen)) > max(self.block, self.excused):
            what = f"ends at block {self.block}, a checkpoint has seen block {last}"
            self._found("TRUNCATED", what)
        if uncovered:
            what = f"{uncovered} records after the last block are covered by no signature"
            self._found("BLOCK", what, seq=self.seq + 1)
        if self._unchecked is not None and not self._unchecked.signed_by(self._keys):
            self.suspect = True

    def _link(self, block: Block) -> None:
        header = block.header
        expected = self.block + 1
        if header.block != expected:
            what = f"blocks {expected} to {header.block - 1} are missing"
            self._found("GAP", what, block=expected)
        elif header.prev != self.head:
            self._broken_link(block)
        elif header.first_seq != self.seq + 1:
            what = f"begins at record {header.first_seq}, expected {self.seq + 1}"
            self._found("BLOCK", what, block=header.block)
        if self._key not in (None, header.key):
            what = f"signed with key {header.key}, the segment began with {self._key}"
            self._found("BLOCK", what, block=header.block)
        self._key = header.key
        before, self._signed_at = self._signed_at, header.signed_at
        if before is not None and header.signed_at < before - CLOCK_LIMIT:
            what = f"signed {header.signed_at}, after a block signed {before}"
            self._found("CLOCK", what, block=header.block)
        self.block = header.block
        self._unchecked = block
        self.head = block.hash()
        if self._seen.get(header.block, self.head) != self.head:
            what = "is not the block that a checkpoint has seen"
            self._found("CHECKPOINT-HEAD", what, block=header.block)

    def _broken_link(self, block: Block) -> None:
        before = self._unchecked
        if before is not None and not before.signed_by(self._keys):
            what = "its head or signature was changed"
            self._found("BLOCK", what, block=before.header.block)
        elif not block.signed_by(self._keys):
            self._found("BLOCK", "its head or signature was changed", block=block.header.block)
        else:
            self._found("BLOCK", "does not follow the block before it", block=block.header.block)

    def _contents(self, header: Header, records: Sequence[Row], db_ts: datetime) -> None:
        numbers = [row[0] for row in records]
        wanted = range(self.seq + 1, header.last_seq + 1)
        if missing := sorted(set(wanted).difference(numbers)):
            what = f"{len(missing)} records are missing"
            self._found("GAP", what, block=header.block, seq=missing[0])
        elif not wanted or numbers != list(wanted):
            what = "its records stand there twice, or in an earlier block"
            self._found("BLOCK", what, block=header.block, seq=self.seq + 1)
        elif merkle.root(leaves([row[2] for row in records])) != header.root:
            self._found(
                "BLOCK",
                f"records {header.first_seq} to {header.last_seq} are not what was signed",
                block=header.block,
            )
        if abs(header.signed_at - db_ts) > CLOCK_LIMIT:
            what = f"signed {header.signed_at}, stored {db_ts}"
            self._found("CLOCK", what, block=header.block)
        latest = db_ts + CLOCK_LIMIT
        for row in records:
            self._columns(row, header.block, latest)
        self.seq = max(self.seq, header.last_seq)

    def _columns(self, row: Row, block: int, latest: datetime) -> None:
        try:
            body = orjson.loads(row[2])
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            self._found("PROJECTION", "the body is not a JSON object", block=block, seq=row[0])
            return
        kept = body.get("payload")
        if isinstance(kept, dict) and "key" in kept and body.get("kind") in ("intent", "refusal"):
            self.payloads[str(body.get("rid"))] = (str(kept["key"]), str(kept.get("sha256")))
        if row[0] == 1 and isinstance(body.get("previous"), dict):
            self.previous = body["previous"]
        columns = project(body)
        if columns != tuple(row[3:]):
            wrong = [
                name for name, is_, was in zip(COLUMNS, row[3:], columns, strict=True) if is_ != was
            ]
            self._found("PROJECTION", f"column {', '.join(wrong)}", block=block, seq=row[0])
        if row[1] != block:
            self._found("PROJECTION", "column block", block=block, seq=row[0])
        if self._replica is not None and body.get("replica") != self._replica:
            what = "the segment is registered for another replica"
            self._found("PROJECTION", what, block=block, seq=row[0])
        if columns[0] is not None and columns[0] > latest:
            self._found("CLOCK", f"dated {columns[0]}, in the future", block=block, seq=row[0])

    def _found(
        self, kind: Kind, what: str, *, block: int | None = None, seq: int | None = None
    ) -> None:
        self._report.add(Finding(kind, what, self.day, self.segment, block, seq))


def read_block(day: date, segment: UUID, row: Row) -> Block:
    number, first_seq, count, prev, root, signed_at, key, signature = row[:8]
    header = Header(day, segment, number, first_seq, count, prev, root, signed_at, key)
    return Block(header, signature)
