"""A ledger of some calls, exported: what the tests of exports begin with."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.audit.conftest import Place

from mcp_gateway.audit import keys
from mcp_gateway.audit.exports.export import Exported, export
from mcp_gateway.audit.exports.file import sink
from mcp_gateway.door.ids import call_id


async def written(place: Place, body: dict[str, Any], calls: int = 12) -> list[str]:
    """Calls of an intent and an outcome each, four to a block; their ids."""
    rids = [call_id() for _ in range(calls)]
    async with place.opened() as ledger:
        for start in range(0, calls, 4):
            for kind in ("intent", "outcome"):
                await asyncio.gather(
                    *(ledger.append(kind, body | {"rid": rid}) for rid in rids[start : start + 4])
                )
    return rids


async def exported(place: Place, path: Path, **options: Any) -> Exported:
    today = datetime.now(UTC).date()
    with sink(path) as out:
        return await export(
            place.reader,
            out,
            since=today - timedelta(days=1),
            until=today,
            trusted=keys.load_public(place.public),
            **options,
        )
