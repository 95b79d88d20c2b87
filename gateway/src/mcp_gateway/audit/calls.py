"""Every call once, and each let through with an outcome: asked of the columns.

They are compared with what was signed before they are believed (`chain`).
"""

from datetime import date

from mcp_gateway.audit.findings import Finding, OpenIntent, Report
from mcp_gateway.audit.store import Connection

OPEN_LISTED = 100

_DUPLICATES = """
    SELECT kind, rid, count(*) AS times FROM audit.record
    WHERE seg_day >= $1 AND kind IN ('intent', 'outcome', 'refusal') AND rid IS NOT NULL
    GROUP BY kind, rid HAVING count(*) > 1 ORDER BY min(ts) LIMIT 1000
"""
_OPEN = """
    SELECT i.seg_day, i.seg, i.seq, i.rid, i.ts, i.person, i.server, i.tool,
           i.ts < clock_timestamp() - make_interval(mins => $2) AS overdue
    FROM audit.record i
    WHERE i.seg_day >= $1 AND i.kind = 'intent' AND NOT EXISTS (
        SELECT FROM audit.record o
        WHERE o.seg_day >= $1 AND o.rid = i.rid AND o.kind = 'outcome')
    ORDER BY i.ts LIMIT 10000
"""
# over all days: a call begun before midnight may have ended after it
_OPEN_OF_A_DAY = """
    SELECT i.rid FROM audit.record i
    WHERE i.seg_day = $1 AND i.kind = 'intent' AND NOT EXISTS (
        SELECT FROM audit.record o WHERE o.rid = i.rid AND o.kind = 'outcome')
    ORDER BY i.ts LIMIT 1
"""


async def once_and_with_an_outcome(
    connection: Connection, first: date, open_minutes: int, report: Report
) -> None:
    for row in await connection.fetch(_DUPLICATES, first):
        what = f"call {row['rid']} has {row['times']} records of kind {row['kind']}"
        report.add(Finding("DUPLICATE", what))
    for row in await connection.fetch(_OPEN, first, open_minutes):
        if row["overdue"] is not False:
            what = f"call {row['rid']} has no outcome"
            report.add(Finding("OPEN-INTENT", what, row["seg_day"], row["seg"], seq=row["seq"]))
        elif len(report.open) < OPEN_LISTED:
            report.open.append(
                OpenIntent(row["rid"], row["ts"], row["person"], row["server"], row["tool"])
            )


async def open_one(connection: Connection, day: date) -> str | None:
    """A call of that day without an outcome on any day."""
    rid: str | None = await connection.fetchval(_OPEN_OF_A_DAY, day)
    return rid
