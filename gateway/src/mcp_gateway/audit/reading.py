"""What people ask of the ledger: the newest records, by person or tool, and its size. Read only."""

from datetime import datetime
from typing import Any

from mcp_gateway.audit import reader

SHOWN = (
    "ts", "kind", "person", "agent", "server", "tool", "method", "decision", "status", "reason",
    "latency_ms", "rid", "seg", "seq",
)  # fmt: skip

_SHOW = (
    f"SELECT {', '.join(SHOWN)} FROM audit.record WHERE true "  # noqa: S608  constants of this file
    "AND ($1::text IS NULL OR person = $1) "
    "AND ($2::text IS NULL OR tool = $2) "
    "AND ($3::text IS NULL OR decision = $3) "
    "AND ($4::timestamptz IS NULL OR ts >= $4) "
    "ORDER BY ts DESC NULLS FIRST, seq DESC LIMIT $5"
)
_COUNTS = """
    SELECT kind, decision, status, count(*) AS records, min(ts) AS first, max(ts) AS last
    FROM audit.record GROUP BY kind, decision, status ORDER BY records DESC
"""
_SIZES = """
    SELECT (SELECT count(*) FROM audit.record) AS records,
           (SELECT count(*) FROM audit.block) AS blocks,
           (SELECT count(*) FROM audit.segment) AS segments,
           (SELECT coalesce(avg(octet_length(body)), 0)::float8 FROM audit.record) AS body_bytes,
           (SELECT sum(pg_total_relation_size(relid))::bigint
              FROM pg_partition_tree('audit.record') WHERE isleaf) AS record_bytes,
           (SELECT sum(pg_total_relation_size(relid))::bigint
              FROM pg_partition_tree('audit.block') WHERE isleaf) AS block_bytes
"""


async def show(
    url: str,
    *,
    person: str | None = None,
    tool: str | None = None,
    decision: str | None = None,
    since: datetime | None = None,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """The newest records first."""
    async with reader.session(url) as connection:
        rows = await connection.fetch(_SHOW, person, tool, decision, since, limit)
    return [dict(row) for row in rows]


async def stats(url: str) -> dict[str, Any]:
    """How much is recorded, of what, and how large it is."""
    async with reader.session(url) as connection:
        sizes = await connection.fetchrow(_SIZES)
        counts = await connection.fetch(_COUNTS)
    return {**(dict(sizes) if sizes else {}), "by_kind": [dict(row) for row in counts]}
