"""A ledger with days behind it: what gateways wrote then, signed as they signed it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
from gateway.audit.conftest import Place

from mcp_gateway.audit import keys, store
from mcp_gateway.audit.payload import Payload, Vault
from mcp_gateway.audit.projection import project
from mcp_gateway.audit.redaction import SALT_BYTES, commitment
from mcp_gateway.audit.segment import Segment

ISSUER, SUBJECT = "https://id.example", "s-ana"
PARENTS = ("block", "record", "payload")


def ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


async def a_day(place: Place, day: date, calls: int = 3, vault: Vault | None = None) -> UUID:
    """One segment of that day: an opening, and calls of an intent and an outcome each. With a
    vault, each intent's arguments are encrypted beside it.
    """
    key, name = keys.load_private(place.key), uuid4()
    keys.publish(key, place.public)
    segment = Segment(name, day, 0.0, key)
    connection = await asyncpg.connect(place.admin)
    try:
        async with connection.transaction():
            await _partitions(connection, day)
            await connection.execute(
                "INSERT INTO audit.segment (seg, seg_day, replica) VALUES ($1, $2, 'replica-1')",
                name, day,
            )  # fmt: skip
            noon = datetime.combine(day, time(12), UTC)
            await _block(connection, segment, noon, ["segment_opened"])
            for n in range(calls):
                rid = f"{name.hex[:6]}-{n}"
                await _block(connection, segment, noon, ["intent"], rid, vault)
                await _block(connection, segment, noon, ["outcome"], rid)
        # the second clock: a day is made here in a moment
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE audit.block SET db_ts = signed_at WHERE seg = $1", name)
    finally:
        await connection.close()
    return name


async def _block(
    connection: store.Connection, segment: Segment, at: datetime, kinds: Sequence[str],
    rid: str | None = None, vault: Vault | None = None,
) -> None:  # fmt: skip
    said, payloads = _sealed(rid, vault) if rid and vault else ({}, [])
    bodies = [
        orjson.dumps(
            {"v": 1, "ts": at.isoformat(), "replica": "replica-1"}
            | said | ({"kind": kind, "rid": rid, "person": "ana"} if rid else
               {"kind": "event", "reason": kind}),
            option=orjson.OPT_SORT_KEYS,
        )
        for kind in kinds
    ]  # fmt: skip
    sealed = segment.seal(bodies, at)
    rows = [(body, *project(orjson.loads(body))) for body in bodies]
    await store.insert(connection, sealed.block, rows, payloads)
    for payload in payloads:
        payload.key.stored = segment.day
    segment.advance(sealed)


def _sealed(rid: str, vault: Vault) -> tuple[dict[str, Any], list[Payload]]:
    sent, salt = {"of": rid}, bytes(SALT_BYTES)
    payload = vault.seal(ISSUER, SUBJECT, rid, sent, salt)
    assert payload is not None
    who = {"iss": ISSUER, "sub": SUBJECT}
    return {**who, "args_c": commitment(salt, "$", sent), "payload": payload.mark()}, [payload]


async def _partitions(connection: store.Connection, day: date) -> None:
    """`audit.prepare` makes days to come only."""
    await connection.execute("SET LOCAL ROLE audit_owner")
    for parent in PARENTS:
        part = f"{parent}_{day:%Y%m%d}"
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS audit.{part} PARTITION OF audit.{parent} "
            f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        )
    await connection.execute("SET LOCAL ROLE NONE")
