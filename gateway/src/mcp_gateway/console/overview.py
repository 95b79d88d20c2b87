"""Which tools fail most, from the ledger: one row per tool over a window.

A refused call names what its caller made up. Only names that are pinned, or that did run, get a
row of their own; all others share one, so that nobody fills this page with inventions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mcp_gateway.console.sparkline import BUCKETS, Bucket

ROWS = 200
OPEN_AFTER = timedelta(minutes=1)  # younger ones are simply under way
OPEN_COUNTED = 1_000

_NAMED = """
    WITH known AS (
        SELECT * FROM unnest(CAST(:servers AS text[]), CAST(:tools AS text[])) AS k(server, tool)
    ), named AS (
        SELECT r.ts, r.kind, r.decision, r.status, r.reason, r.rid, r.latency_ms,
            CASE WHEN r.kind = 'outcome' OR k.tool IS NOT NULL THEN r.server END AS server,
            CASE WHEN r.kind = 'outcome' AND r.method <> 'tools/call' THEN r.method
                 WHEN r.kind = 'outcome' OR k.tool IS NOT NULL THEN r.tool END AS tool,
            (r.kind = 'outcome' AND r.status IN ('tool_error', 'failed', 'unknown'))
                OR (r.kind = 'refusal' AND r.decision = 'error') AS failed,
            r.kind = 'refusal' AND r.decision = 'deny' AS refused,
            r.kind = 'refusal' AND r.decision = 'limit' AS limited
        FROM audit.record r
        LEFT JOIN known k ON r.method = 'tools/call' AND k.server = r.server AND k.tool = r.tool
        WHERE r.seg_day >= :first_day AND r.ts >= :since AND r.ts < :until
            AND r.kind IN ('outcome', 'refusal')
    )
"""


def _over(query: str) -> TextClause:
    return text(_NAMED + query)


_TOTALS = _over("""
    SELECT server, tool, count(*) AS calls,
        count(*) FILTER (WHERE failed) AS errors,
        count(*) FILTER (WHERE refused) AS refused,
        count(*) FILTER (WHERE limited) AS limited,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) AS p50,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95,
        max(ts) AS last
    FROM named GROUP BY server, tool
    ORDER BY errors DESC, count(*) FILTER (WHERE refused OR limited) DESC, calls DESC, server, tool
    LIMIT :rows
""")
_LAST_ERRORS = _over("""
    SELECT DISTINCT ON (server, tool) server, tool, ts, reason, status, rid
    FROM named WHERE failed ORDER BY server, tool, ts DESC LIMIT :rows
""")
_BUCKETS = _over("""
    SELECT server, tool,
        width_bucket(
            extract(epoch FROM ts)::float8, extract(epoch FROM CAST(:since AS timestamptz))::float8,
            extract(epoch FROM CAST(:until AS timestamptz))::float8, :buckets
        ) - 1 AS bucket,
        count(*) AS calls,
        count(*) FILTER (WHERE failed) AS errors,
        count(*) FILTER (WHERE refused OR limited) AS stopped
    FROM named GROUP BY 1, 2, 3 LIMIT :rows * :buckets
""")
_OPEN = text("""
    SELECT count(*) FROM (
        SELECT FROM audit.record i
        WHERE i.seg_day >= :first_day AND i.ts >= :since AND i.ts < :settled AND i.kind = 'intent'
            AND NOT EXISTS (
                SELECT FROM audit.record o
                WHERE o.seg_day >= :first_day AND o.rid = i.rid AND o.kind = 'outcome')
        LIMIT :most
    ) open
""")
_REPLICAS = text("SELECT count(DISTINCT replica) FROM audit.segment WHERE seg_day >= :today")


@dataclass(frozen=True, slots=True)
class LastError:
    ts: datetime
    reason: str
    rid: str | None


@dataclass(frozen=True, slots=True)
class Tool:
    """One row; without a server it stands for names that lead nowhere."""

    server: str | None
    name: str | None
    calls: int
    errors: int
    refused: int
    limited: int
    p50: float | None
    p95: float | None
    last: datetime | None
    last_error: LastError | None
    buckets: tuple[Bucket, ...]

    @property
    def shown(self) -> str:
        if self.name is None:
            return "names that are not offered"
        return f"{self.server}_{self.name}" if self.server else self.name

    @property
    def error_rate(self) -> float:
        """Of the calls that were let through: a denied call did not fail, it was stopped."""
        let_through = self.calls - self.refused - self.limited
        return self.errors / let_through if let_through else 0.0


@dataclass(frozen=True, slots=True)
class Overview:
    tools: tuple[Tool, ...]
    open: int
    replicas: int

    def total(self, what: str) -> int:
        return sum(getattr(tool, what) for tool in self.tools)

    @property
    def error_rate(self) -> float:
        let_through = self.total("calls") - self.total("refused") - self.total("limited")
        return self.total("errors") / let_through if let_through else 0.0

    @property
    def last(self) -> datetime | None:
        return max((tool.last for tool in self.tools if tool.last), default=None)


async def overview(
    connection: AsyncConnection,
    *,
    now: datetime,
    window: timedelta,
    known: Iterable[tuple[str, str]],
) -> Overview:
    pairs = list(known)
    since = now - window
    asked: dict[str, Any] = {
        "servers": [server for server, _ in pairs],
        "tools": [tool for _, tool in pairs],
        # a segment holds records of the midnight it ends at, and the database's day decides
        "first_day": (since - timedelta(days=1)).date(),
        "since": since,
        "until": now + timedelta(minutes=2),  # a replica's clock may be a little ahead
        "rows": ROWS,
    }
    totals = (await connection.execute(_TOTALS, asked)).mappings().all()
    errors = (await connection.execute(_LAST_ERRORS, asked)).mappings().all()
    spread = (await connection.execute(_BUCKETS, asked | {"buckets": BUCKETS})).mappings().all()
    last_errors = {(row["server"], row["tool"]): _last_error(row) for row in errors}
    buckets: dict[tuple[str | None, str | None], list[Bucket]] = {}
    for row in spread:
        mine = buckets.setdefault((row["server"], row["tool"]), [Bucket()] * BUCKETS)
        place = min(max(row["bucket"], 0), BUCKETS - 1)
        mine[place] = Bucket(row["calls"], row["errors"], row["stopped"])
    settled = {"settled": now - OPEN_AFTER, "most": OPEN_COUNTED}
    within = {"first_day": asked["first_day"], "since": since}
    return Overview(
        tools=tuple(_tool(row, last_errors, buckets) for row in totals),
        open=await connection.scalar(_OPEN, within | settled) or 0,
        replicas=await connection.scalar(_REPLICAS, {"today": now.date()}) or 0,
    )


def _tool(
    row: Mapping[Any, Any],
    last_errors: Mapping[tuple[str | None, str | None], LastError],
    buckets: Mapping[tuple[str | None, str | None], list[Bucket]],
) -> Tool:
    key = row["server"], row["tool"]
    return Tool(
        server=row["server"],
        name=row["tool"],
        calls=row["calls"],
        errors=row["errors"],
        refused=row["refused"],
        limited=row["limited"],
        p50=row["p50"],
        p95=row["p95"],
        last=row["last"],
        last_error=last_errors.get(key),
        buckets=tuple(buckets.get(key, [Bucket()] * BUCKETS)),
    )


def _last_error(row: Mapping[Any, Any]) -> LastError:
    return LastError(ts=row["ts"], reason=row["reason"] or row["status"] or "", rid=row["rid"])
