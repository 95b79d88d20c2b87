"""Calls whose outcome will never come: somebody who has looked closes them, as `unknown`.

Never by itself. A gateway that died leaves such a call, and so does a record that was cut off;
which of the two it is, and what the call did, a person has to find out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from mcp_gateway.audit import reader
from mcp_gateway.audit.ledger import Ledger

YOUNGEST_MINUTES = 15  # longer than any call may take: a younger one may be under way
STATUS, REASON = "unknown", "settled"
# of the intent; not its arguments, which stand there
KEPT = (
    "rid", "iss", "sub", "person", "agent", "roles", "method", "era", "server", "tool", "decision",
    "policy", "definition", "trace", "service",
)  # fmt: skip

# two operators at once would give a call two outcomes
_ONE_AT_A_TIME = "SELECT pg_advisory_lock(hashtext('audit.settle'))"
_OPEN = """
    SELECT i.rid, i.body FROM audit.record i
    WHERE i.kind = 'intent' AND ($1::text IS NULL OR i.rid = $1)
    AND i.ts < clock_timestamp() - make_interval(mins => $2) AND NOT EXISTS (
        SELECT FROM audit.record o WHERE o.rid = i.rid AND o.kind = 'outcome')
    ORDER BY i.ts LIMIT 10000
"""


@dataclass(frozen=True, slots=True)
class Settled:
    rid: str
    person: str
    target: str


async def settle(
    reader_url: str, ledger: Ledger, *, rid: str | None, why: str, by: str, minutes: int
) -> Sequence[Settled]:
    """Record an outcome `unknown` for one open call, or for all that are older than so long.

    Raises:
        LedgerDown: it could not be recorded; what was recorded before that stays.

    """
    done = []
    async with reader.session(reader_url) as connection:
        await connection.execute(_ONE_AT_A_TIME)
        for row in await connection.fetch(_OPEN, rid, minutes):
            intent = orjson.loads(row["body"])
            kept = {key: intent[key] for key in KEPT if key in intent}
            outcome = {"status": STATUS, "reason": REASON, "detail": {"why": why, "by": by}}
            await ledger.append("outcome", kept | outcome)
            target = ".".join(str(intent[key]) for key in ("server", "tool") if intent.get(key))
            done.append(Settled(row["rid"], str(intent.get("person", "-")), target))
    return done
