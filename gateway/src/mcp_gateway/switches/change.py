"""Close or open something: first on the record, then in the table, then the bell.

No record, no switch. A crash in between leaves a record of what was wanted, and the command says
that it failed; a bell that cannot be rung leaves replicas to read the table on their own.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.switches import table
from mcp_gateway.switches.live import BELL
from mcp_gateway.switches.state import Kind, Switch, canonical

REPLICA = "operator"  # under whose name the record is written
BELL_SECONDS = 2.0

EVENTS = {True: "blocked", False: "unblocked"}


@dataclass(frozen=True, slots=True)
class Change:
    kind: Kind
    name: str
    closed: bool
    reason: str
    by: str
    # until it opens by itself
    seconds: int | None = None

    @property
    def event(self) -> str:
        return "revoked" if self.kind == "tokens" else EVENTS[self.closed]


@dataclass(frozen=True, slots=True)
class Done:
    """When it was, by the database's clock, and whether replicas have heard of it at once."""

    at: float
    heard: bool


async def apply(
    change: Change, *, ledger_url: str, key: Path, redis_url: str, insist_on_durability: bool = True
) -> Done:
    """Make one change.

    Raises:
        LedgerDown: it could not be recorded; nothing has changed.
        OSError, TimeoutError, asyncpg.PostgresError: recorded, but not in effect.

    """
    name = canonical(change.kind, change.name)
    ledger = await Ledger.open(ledger_url, key, REPLICA, insist_on_durability=insist_on_durability)
    try:
        detail = {
            "kind": change.kind, "name": name, "seconds": change.seconds, "why": change.reason,
            "by": change.by,
        }  # fmt: skip
        await ledger.append("event", {"reason": change.event, "detail": detail})
    finally:
        await ledger.aclose()
    connection = await table.connect(ledger_url)
    try:
        at = await table.add(
            connection, change.kind, name,
            closed=change.closed, seconds=change.seconds, reason=change.reason, by=change.by,
        )  # fmt: skip
    finally:
        await connection.close()
    return Done(at=at, heard=await ring(redis_url))


async def ring(redis_url: str) -> bool:
    """Let every replica read the table before its next call; False when Valkey is away."""
    redis = Redis.from_url(
        redis_url, socket_connect_timeout=BELL_SECONDS, socket_timeout=BELL_SECONDS
    )
    try:
        await redis.set(BELL, str(uuid.uuid4()))
    except (RedisError, OSError):
        return False
    finally:
        await redis.aclose()
    return True


async def listed(ledger_url: str) -> list[Switch]:
    connection = await table.connect(ledger_url)
    try:
        return await table.closed(connection)
    finally:
        await connection.close()
