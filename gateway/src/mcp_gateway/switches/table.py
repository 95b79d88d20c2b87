"""The switches in Postgres, beside the ledger: rows are added, never changed; the last counts."""

from typing import TYPE_CHECKING

import asyncpg

from mcp_gateway.switches.state import Kind, Switch

FAULTS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
SECONDS = 2.0  # to connect, and for each statement

# a revocation is over when every token of before it is: an hour, and what clocks may differ
_SWITCHED = """
    SELECT * FROM (
        SELECT DISTINCT ON (kind, name) kind, name, closed, reason, by,
            extract(epoch FROM at)::float8 AS at,
            extract(epoch FROM at + seconds * interval '1 second')::float8 AS until
        FROM audit.switch ORDER BY kind, name, serial DESC
    ) AS last
    WHERE closed
      AND (until IS NULL OR until > extract(epoch FROM clock_timestamp()))
      AND (kind <> 'tokens' OR at > extract(epoch FROM clock_timestamp()) - 7200)
    ORDER BY at
"""
_ADD = """
    INSERT INTO audit.switch (kind, name, closed, seconds, reason, by)
    VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING extract(epoch FROM at)::float8
"""

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:  # generic in its stubs only
    Connection = asyncpg.Connection


async def connect(url: str) -> Connection:
    return await asyncpg.connect(
        url, timeout=SECONDS, command_timeout=SECONDS, server_settings={"jit": "off"}
    )


async def closed(connection: Connection) -> list[Switch]:
    """Whatever is closed now, oldest first."""
    rows = await connection.fetch(_SWITCHED)
    return [
        Switch(row["kind"], row["name"], row["at"], row["until"], row["reason"], row["by"])
        for row in rows
    ]


async def add(
    connection: Connection,
    kind: Kind,
    name: str,
    *,
    closed: bool,
    seconds: int | None,
    reason: str,
    by: str,
) -> float:
    """The server's time of it: one clock for all replicas."""
    at: float = await connection.fetchval(_ADD, kind, name, closed, seconds, reason, by)
    return at
