"""Where results are kept: a table every replica reads, by a login that reaches nothing else.

A result belongs to a person and to the regions it was made with; who is another, or has lost one
of these regions since, finds nothing. What has expired is not read, and is gone within a minute.
"""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from mcp_shared.faults import Unavailable
from mcp_shared.meanwhile import meanwhile
from mcp_shared.postgres import CONNECT_SECONDS, FAULTS, keeper_pool
from mcp_warehouse import complaints
from mcp_warehouse.results.parts import Part
from mcp_warehouse.rights import Regions
from mcp_warehouse.settings import Settings

CONNECTIONS = 4
STATEMENT_SECONDS = 5.0  # some megabytes are written
SWEEP_SECONDS = 60.0  # each replica does; whoever comes second finds nothing to do

# one write at a time, so that the caps hold; reading goes on
_LOCK = "LOCK TABLE results.part IN SHARE ROW EXCLUSIVE MODE"
_EXPIRED = "DELETE FROM results.part WHERE expires_at <= now()"
_OLDEST = (
    "DELETE FROM results.part WHERE digest IN (SELECT digest FROM results.part WHERE owner = $1"
    " GROUP BY digest ORDER BY max(expires_at) DESC OFFSET $2)"
)
_SIZE = "SELECT coalesce(sum(octet_length(content)), 0)::bigint FROM results.part"
_INSERT = (
    "INSERT INTO results.part (digest, format, number, owner, regions, expires_at, content)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
)
_SELECT = (
    "SELECT content FROM results.part WHERE digest = $1 AND format = $2 AND number = $3"
    " AND owner = $4 AND regions <@ $5::text[] AND expires_at > now()"
)

log = logging.getLogger(__name__)


class Results:
    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", settings: Settings) -> None:
        self._pool = pool
        self._settings = settings

    async def keep(self, owner: str, regions: Regions, parts: list[Part]) -> tuple[str, datetime]:
        """The new result's id and until when it is kept.

        Raises:
            Unavailable: the table does not answer, or is full.

        """
        identity = secrets.token_urlsafe(32)
        digest = _digest(identity)
        try:
            async with self._pool.acquire(timeout=CONNECT_SECONDS) as db, db.transaction():
                await db.execute(_LOCK)
                await db.execute(_EXPIRED)
                await db.execute(_OLDEST, owner, self._settings.most_results - 1)
                size = await db.fetchval(_SIZE) + sum(
                    len(one.parquet) + len(one.csv) for one in parts
                )
                if size > self._settings.most_kept_bytes:
                    log.error("no room for results", extra={"bytes": size})
                    raise _full()
                until: datetime = await db.fetchval(
                    "SELECT now() + make_interval(secs => $1)", self._settings.result_seconds
                )
                rows = [
                    (digest, name, number, owner, list(regions.names), until, content)
                    for number, part in enumerate(parts, 1)
                    for name, content in (("csv", part.csv), ("parquet", part.parquet))
                ]
                await db.executemany(_INSERT, rows)
        except FAULTS as error:
            log.error("results unavailable", extra={"error": type(error).__name__})
            raise complaints.unavailable() from None
        return identity, until

    async def sweep(self, every: float) -> None:
        """Delete what has expired, again and again, until cancelled."""
        while True:
            await asyncio.sleep(every)
            try:
                await self._pool.execute(_EXPIRED)
            except FAULTS as error:
                log.warning("expired results stay", extra={"error": type(error).__name__})

    async def read(
        self, owner: str, regions: Regions, identity: str, number: int, kind: str
    ) -> bytes | None:
        """One file; None when there is none, when it is another's, and when its time is over.

        Raises:
            Unavailable: the table does not answer.

        """
        try:
            async with self._pool.acquire(timeout=CONNECT_SECONDS) as db:
                found: bytes | None = await db.fetchval(
                    _SELECT, _digest(identity), kind, number, owner, list(regions.names)
                )
        except FAULTS as error:
            log.error("results unavailable", extra={"error": type(error).__name__})
            raise complaints.unavailable() from None
        return found


def _digest(identity: str) -> bytes:
    """What is stored: whoever reads the table has no id to ask with."""
    return hashlib.sha256(identity.encode()).digest()


def _full() -> Unavailable:
    return Unavailable(
        "There is no room for another result at the moment.",
        instead="Ask for fewer rows as an answer, or try again later.",
    )


@asynccontextmanager
async def keeping(
    settings: Settings, sweep_seconds: float = SWEEP_SECONDS
) -> AsyncIterator[Results | None]:
    """None where no table is configured: results are then answers alone."""
    if settings.results_url is None:
        yield None
        return
    name = "mcp_warehouse_results"
    async with keeper_pool(settings.results_url, name, CONNECTIONS, STATEMENT_SECONDS) as pool:
        results = Results(pool, settings)
        async with meanwhile(results.sweep(sweep_seconds)):
            yield results
