"""Whether the newest blocks are what the gateways signed: a look that costs the same on any ledger.

Of each segment of today and yesterday: its last blocks' links, the last signature, which vouches
for them all, and the records of the last block. The whole ledger is verified by `make audit`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import asyncpg

from mcp_gateway.audit import merkle, reader
from mcp_gateway.audit.block import Block, Keys, leaves
from mcp_gateway.audit.chain import BLOCK_COLUMNS, read_block
from mcp_gateway.audit.keys import KeyFileError, load_public
from mcp_gateway.audit.store import Connection
from mcp_gateway.console.reader import LedgerAwayError

SEGMENTS, BLOCKS = 12, 50
SECONDS = 8.0

_SEGMENTS = """
    SELECT seg_day, seg, replica FROM audit.segment
    WHERE seg_day >= (clock_timestamp() AT TIME ZONE 'UTC')::date - 1
    ORDER BY opened DESC LIMIT $1
"""
_BLOCKS = (
    f"SELECT {BLOCK_COLUMNS} FROM audit.block "  # noqa: S608  constants of the audit package
    "WHERE seg_day = $1 AND seg = $2 ORDER BY block DESC LIMIT $3"
)
_RECORDS = """
    SELECT body FROM audit.record
    WHERE seg_day = $1 AND seg = $2 AND seq BETWEEN $3 AND $4 ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Looked:
    """One segment. `wrong` is empty when nothing was found."""

    day: date
    segment: UUID
    replica: str
    records: int
    blocks: int
    looked_at: int
    last: datetime | None
    key: str
    wrong: str


@dataclass(frozen=True, slots=True)
class State:
    segments: tuple[Looked, ...]
    keys: tuple[str, ...]
    unasked: str = ""  # why nothing was looked at

    @property
    def sound(self) -> bool | None:
        if self.unasked or not self.segments:
            return None
        return not any(one.wrong for one in self.segments)

    @property
    def blocks(self) -> int:
        return sum(one.looked_at for one in self.segments)


async def state(url: str, public_keys: Path | None) -> State:
    """Raises LedgerAwayError when the database does not answer in time."""
    if public_keys is None:
        return State((), (), "This console was started without the ledger's public key.")
    try:
        keys = load_public(public_keys)
        async with asyncio.timeout(SECONDS):
            return State(await _looked(url, keys), tuple(sorted(keys)))
    except KeyFileError as error:
        return State((), (), str(error))
    except TimeoutError as error:
        raise LedgerAwayError(slow=True) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise LedgerAwayError from error


async def _looked(url: str, keys: Keys) -> tuple[Looked, ...]:
    async with reader.snapshot(url) as connection:
        rows = await connection.fetch(_SEGMENTS, SEGMENTS)
        return tuple([await _segment(connection, row, keys) for row in rows])


async def _segment(connection: Connection, row: asyncpg.Record, keys: Keys) -> Looked:
    day, segment, replica = row["seg_day"], row["seg"], row["replica"]
    found = await connection.fetch(_BLOCKS, day, segment, BLOCKS)
    blocks = [read_block(day, segment, one) for one in reversed(found)]
    if not blocks:
        return Looked(day, segment, replica, 0, 0, 0, None, "", "It has lost all its blocks.")
    head = blocks[-1].header
    wrong = _broken(blocks, keys)
    if not wrong:
        rows = await connection.fetch(_RECORDS, day, segment, head.first_seq, head.last_seq)
        bodies = [one[0] for one in rows]
        if len(bodies) != head.count or merkle.root(leaves(bodies)) != head.root:
            wrong = f"The records of block {head.block} are not what was signed."
    return Looked(
        day, segment, replica, head.last_seq, head.block, len(blocks), head.signed_at, head.key,
        wrong,
    )  # fmt: skip


def _broken(blocks: Sequence[Block], keys: Keys) -> str:
    for before, block in pairwise(blocks):
        if block.header.block != before.header.block + 1:
            return f"Blocks are missing after block {before.header.block}."
        if block.header.prev != before.hash():
            return f"Block {block.header.block} does not follow the block before it."
    if not blocks[-1].signed_by(keys):
        return f"Block {blocks[-1].header.block} is not signed by a trusted key."
    return ""
