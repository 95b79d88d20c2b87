"""How far each segment has grown: one look at its newest block, by the primary key, no scan."""

from datetime import date

import asyncpg

from mcp_gateway.audit.chain import BLOCK_COLUMNS, read_block
from mcp_gateway.audit.checkpoints.entry import Leaf
from mcp_gateway.audit.store import Connection

HEADS = f"""
    SELECT s.seg_day, s.seg, b.* FROM audit.segment s CROSS JOIN LATERAL (
        SELECT {BLOCK_COLUMNS} FROM audit.block
        WHERE seg_day = s.seg_day AND seg = s.seg ORDER BY block DESC LIMIT 1
    ) b WHERE s.seg_day >= $1 ORDER BY s.seg_day, s.seg
"""  # noqa: S608  constants of this package
# one at a time, whichever gateway it is; PostgreSQL lets go of it when the session ends
_ELECT = "SELECT pg_try_advisory_lock(hashtext('audit.checkpoint'))"
# a session that holds the lock and does nothing, since its process was stopped, is ended
IDLE_SECONDS = 30


async def connect(url: str, idle_seconds: float) -> Connection:
    return await asyncpg.connect(
        url,
        timeout=5,
        command_timeout=10,
        server_settings={
            "application_name": "ledger-checkpoint",
            "idle_session_timeout": f"{int(idle_seconds * 1000)}",
            "jit": "off",
        },
    )


async def elected(connection: Connection) -> bool:
    return bool(await connection.fetchval(_ELECT))


async def newest(connection: Connection, since: date) -> list[Leaf]:
    """The heads of all segments from this day on."""
    return [
        Leaf(row[0], row[1], row[2], read_block(row[0], row[1], tuple(row)[2:]).hash())
        for row in await connection.fetch(HEADS, since)
    ]
