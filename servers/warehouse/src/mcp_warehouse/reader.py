"""The warehouse in PostgreSQL, read as `wh_ro`.

Each question has a transaction of its own: READ ONLY, with the caller's regions and the limits set
for it alone, by the extended protocol, rolled back, and the connection wiped.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import asyncpg

from mcp_shared import telemetry
from mcp_shared.postgres import DOWN
from mcp_warehouse import complaints, cost, repair
from mcp_warehouse.guard import SCHEMA, Admitted
from mcp_warehouse.rights import Regions
from mcp_warehouse.semantic.question import Measured, Question, measured
from mcp_warehouse.semantic.statement import compiled
from mcp_warehouse.settings import Settings
from mcp_warehouse.warehouse import Column, Selection, Table

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    type_of_connection = PoolConnectionProxy[asyncpg.Record]
    type_of_pool = asyncpg.Pool[asyncpg.Record]

ROWS_AT_ONCE = 100  # between two looks at the byte cap
LOCK_TIMEOUT_MS = 200  # a reader waits for nothing but a schema change
SYSTEM = {"db.system": "postgresql"}
MOST_TABLES = 3  # whose columns one refusal names
CLEAN_UP_SECONDS = 2  # for the rollback; then the connection is dropped

log = logging.getLogger(__name__)


class Reader:
    """Implements `Warehouse`. Opens connections when they are needed, not before."""

    def __init__(self, fixed: "type_of_pool", own: "type_of_pool", settings: Settings) -> None:
        self._fixed = fixed
        self._own = own  # for people's own SQL: it must not take the figures' connections
        self._settings = settings

    async def tables(self) -> list[Table]:
        async with self._reading() as connection:
            rows = await connection.fetch(
                "SELECT relname, CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END, description"
                " FROM pg_class LEFT JOIN pg_description"
                " ON objoid = pg_class.oid AND classoid = 'pg_class'::regclass AND objsubid = 0"
                " WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'v', 'm', 'p')"
                " ORDER BY relname",
                SCHEMA,
            )
        return [Table(name, kind, text or "") for name, kind, text in rows]

    async def columns(self, table: str) -> list[Column]:
        async with self._reading() as connection:
            rows = await connection.fetch(
                "SELECT attname, format_type(atttypid, atttypmod), description"
                " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
                " LEFT JOIN pg_description"
                " ON objoid = attrelid AND classoid = 'pg_class'::regclass AND objsubid = attnum"
                " WHERE relnamespace = $1::text::regnamespace AND relname = $2"
                " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                SCHEMA, table,
            )  # fmt: skip
        return [Column(name, kind, text or "") for name, kind, text in rows]

    async def as_of(self) -> date:
        async with self._reading() as connection:
            day: date | None = await connection.fetchval("SELECT as_of FROM sales.as_of")
        if day is None:
            log.error("the warehouse is empty; run seed_warehouse")
            raise complaints.unavailable()
        return day

    async def nations(self) -> list[str]:
        async with self._reading() as connection:
            rows = await connection.fetch("SELECT nation FROM sales.nations ORDER BY nation")
        return [nation for (nation,) in rows]

    async def measure(self, question: Question, regions: Regions) -> list[Measured]:
        asked = compiled(question)
        async with self._reading(regions) as connection:
            rows = await connection.fetch(asked.text, *asked.parameters)
        return [measured(question, *row) for row in rows]

    async def select(self, statement: Admitted, rows: int, regions: Regions) -> Selection:
        limit = self._settings.most_row_characters
        # as JSON text, cut by the database: no value larger than a row may be ever travels
        query = (
            # with `.*` it is the row, also where a column has the same name
            f"SELECT left(row_to_json(answer.*)::text, {limit + 1})"  # noqa: S608  admitted text
            f" FROM ({statement.text}) AS answer"
        )
        explained = f"EXPLAIN (FORMAT JSON) {query}"
        async with self._reading(regions, self._own) as connection:
            try:
                with telemetry.one_span("SELECT", **SYSTEM):  # not the caller's own statement
                    (plan,) = json.loads(await connection.fetchval(explained))
                    most = self._settings.most_cost, self._settings.most_gathered_bytes
                    if refusal := cost.objection(plan["Plan"], *most, statement):
                        raise refusal
                    return await self._collect(connection, query, statement.columns, rows)
            except asyncpg.PostgresError as error:
                sqlstate, position = error.sqlstate or "XX000", error.position
        log.info("query failed", extra={"sqlstate": sqlstate})
        word = repair.word_at(explained, position)
        raise complaints.fault(sqlstate, word, await self._columns_for(sqlstate, statement.tables))

    async def _columns_for(self, sqlstate: str, tables: Iterable[str]) -> repair.Columns:
        """What the person can see of the tables they asked, when that helps to mend the SQL."""
        if not complaints.needs_columns(sqlstate):
            return {}
        return {
            table: {column.name: column.type for column in await self.columns(table)}
            for table in sorted(tables)[:MOST_TABLES]
        }

    async def _collect(
        self, connection: "type_of_connection", query: str, columns: tuple[str, ...], most: int
    ) -> Selection:
        cursor = await connection.cursor(query)
        rows: list[list[Any]] = []
        size = 0
        while chunk := await cursor.fetch(min(ROWS_AT_ONCE, most + 1 - len(rows))):
            for (text,) in chunk:
                size += len(text.encode())
                if len(text) > self._settings.most_row_characters:
                    raise complaints.row_too_long()
                if len(rows) == most or size > self._settings.most_bytes:
                    return Selection(columns, rows, truncated=True)
                row = json.loads(text, object_pairs_hook=_Row)
                columns = tuple(name for name, _ in row)
                rows.append([value for _, value in row])
        return Selection(columns, rows, truncated=False)

    @asynccontextmanager
    async def _reading(
        self, regions: Regions | None = None, pool: "type_of_pool | None" = None
    ) -> AsyncIterator["type_of_connection"]:
        pool = pool or self._fixed
        connection = await self._acquire(pool)
        try:
            # the watchdog: the statement may have changed the database's own limit
            async with asyncio.timeout(self._settings.deadline_seconds):
                transaction = connection.transaction(readonly=True)
                await transaction.start()
                try:
                    await connection.execute(self._limits(regions))
                    yield connection
                finally:
                    # a request that was cancelled cancels each of its waits again, this one too
                    with anyio.fail_after(CLEAN_UP_SECONDS, shield=True):
                        await transaction.rollback()
        except (TimeoutError, asyncpg.QueryCanceledError):
            raise complaints.too_long() from None
        except DOWN as error:
            log.error("warehouse unavailable", extra={"error": type(error).__name__})
            raise complaints.unavailable() from None
        finally:
            with anyio.CancelScope(shield=True):
                await pool.release(connection, timeout=CLEAN_UP_SECONDS)

    async def _acquire(self, pool: "type_of_pool") -> "type_of_connection":
        try:
            return await pool.acquire(timeout=self._settings.acquire_seconds)
        except TimeoutError:
            if pool.get_size() >= pool.get_max_size():
                raise complaints.busy() from None
            raise complaints.unavailable() from None
        except asyncpg.TooManyConnectionsError:
            # more replicas than the limit of the login, or of the database, has room for
            login = urlsplit(self._settings.database_url).username
            log.error("no connection left", extra={"login": login})
            raise complaints.busy() from None
        except DOWN as error:
            log.error("warehouse unavailable", extra={"error": type(error).__name__})
            raise complaints.unavailable() from None

    def _limits(self, regions: Regions | None) -> str:
        """SET takes no parameters; the values are numbers of ours and constants of `rights`."""
        statement_ms = int(self._settings.statement_seconds * 1000)
        deadline_ms = int(self._settings.deadline_seconds * 1000)
        last_ms = deadline_ms + CLEAN_UP_SECONDS * 1000
        return (
            f"SET LOCAL app.regions = '{regions.setting if regions else ''}';"
            f"SET LOCAL statement_timeout = {statement_ms};"
            f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS};"
            # the login's own is 15 s; a clock that runs is set anew only from 0
            f"SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = {last_ms};"
            f"SET LOCAL idle_in_transaction_session_timeout = {deadline_ms};"
        )


class _Row(list[Any]):
    """Name and value pairs: SQL may give two columns one name, a dict would lose one."""


async def _wipe(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.execute("DISCARD ALL")


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Reader]:
    """Two pools that connect on first use, so that a server starts while its database is down."""
    own = min(settings.sql_connections, settings.connections)
    async with _pool(settings, settings.connections) as fixed, _pool(settings, own) as other:
        yield Reader(fixed, other, settings)


def _pool(settings: Settings, most: int) -> "type_of_pool":
    return asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=most,
        timeout=settings.acquire_seconds,
        statement_cache_size=0,  # DISCARD ALL forgets the prepared statements
        reset=_wipe,
        server_settings={"application_name": "mcp_warehouse"},
    )
