"""What an attacker computes who owns the database: a chain made anew, a segment of his own."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway.audit.conftest import Place

from mcp_gateway.audit import merkle
from mcp_gateway.audit.block import GENESIS, Block, Header, leaves, sign

_BLOCKS = "SELECT * FROM audit.block WHERE $1::uuid IS NULL OR seg = $1 ORDER BY seg, block"


async def rechain(place: Place, key: Ed25519PrivateKey | None, segment: UUID | None = None) -> int:
    """Recompute roots and links from the stored rows on; the first block that had to change."""
    connection = await asyncpg.connect(place.admin)
    try:
        await connection.execute("SET session_replication_role = replica")
        head, changed = GENESIS, 0
        for row in await connection.fetch(_BLOCKS, segment):
            bodies = await connection.fetch(
                "SELECT body FROM audit.record WHERE seg = $1 AND block = $2 ORDER BY seq",
                row["seg"], row["block"],
            )  # fmt: skip
            header = Header(
                row["seg_day"], row["seg"], row["block"], row["first_seq"], row["count"], head,
                merkle.root(leaves([body[0] for body in bodies])), row["signed_at"], row["key"],
            )  # fmt: skip
            block = Block(header, row["signature"])
            if (header.root, header.prev) != (row["root"], row["prev"]):
                changed = changed or row["block"]
                block = sign(header, key) if key else block
                await connection.execute(
                    "UPDATE audit.block SET root = $1, prev = $2, signature = $3 "
                    "WHERE seg = $4 AND block = $5",
                    header.root, header.prev, block.signature, row["seg"], row["block"],
                )  # fmt: skip
            head = block.hash()
        return changed
    finally:
        await connection.close()


async def forge_segment(place: Place, segment: UUID, *, register: bool) -> None:
    """A segment of one record, well made in everything but the key."""
    forger = Ed25519PrivateKey.generate()
    now = datetime.now(UTC)
    data = b'{"kind":"event","replica":"replica-1"}'
    header = Header(
        now.date(), segment, 1, 1, 1, GENESIS, merkle.root(leaves([data])), now, "f" * 16
    )
    block = sign(header, forger)
    connection = await asyncpg.connect(place.admin)
    try:
        if register:
            await connection.execute(
                "INSERT INTO audit.segment (seg, replica) VALUES ($1, 'replica-1')", segment
            )
        await connection.execute(
            "INSERT INTO audit.record (seg_day, seg, seq, block, body, kind)"
            " VALUES ($1, $2, 1, 1, $3, 'event')",
            header.day, segment, data,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO audit.block VALUES ($1, $2, 1, 1, 1, $3, $4, $5, $6, $7)",
            header.day, segment, header.prev, header.root, now, header.key, block.signature,
        )  # fmt: skip
    finally:
        await connection.close()
