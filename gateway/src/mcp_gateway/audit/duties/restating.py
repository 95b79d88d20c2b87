"""Writing a restore statement: what the restored database holds, against what checkpoints saw."""

from datetime import date, datetime, timedelta
from typing import Final

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.audit.block import GENESIS
from mcp_gateway.audit.checkpoints import heads
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.statements import restored as statement_restored
from mcp_gateway.audit.statements.restored import End, Place, Restored
from mcp_gateway.audit.store import Connection

# a segment ends at midnight; what was open when the backup began is of that day or the one before
OPEN_DAYS: Final = timedelta(days=1)
_INSERT = "INSERT INTO audit.restored (statement, signature) VALUES ($1, $2)"


async def restate(
    admin_url: str, key: Ed25519PrivateKey, witnessed: Witnessed | None, *,
    by: str, backup: str, taken: datetime, now: datetime,
) -> Restored:  # fmt: skip
    """Sign and store one, before any gateway writes again."""
    since = taken.date() - OPEN_DAYS
    connection = await asyncpg.connect(admin_url)
    try:
        ends = await _ends(connection, since, witnessed)
        text, signature = statement_restored.sign(
            key, by=by, at=now, backup=backup, taken=taken, ends=list(ends.values())
        )
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE audit_maint")
            await connection.execute(_INSERT, text, signature)
    finally:
        await connection.close()
    return Restored(by, now, backup, taken, ends)


async def _ends(
    connection: Connection, since: date, witnessed: Witnessed | None
) -> dict[Place, End]:
    """Segments that were open around the backup, and those that only checkpoints know."""
    seen = {
        place: max(blocks)
        for place, blocks in (witnessed.heads if witnessed else {}).items()
        if place[0] >= since
    }
    ends = {
        (leaf.day, leaf.segment): End(
            leaf.day, leaf.segment, leaf.block, leaf.head, seen.get((leaf.day, leaf.segment), 0)
        )
        for leaf in await heads.newest(connection, since)
    }
    for place, block in seen.items():
        ends.setdefault(place, End(*place, 0, GENESIS, block))
    return ends
