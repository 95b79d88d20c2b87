"""The warehouse in DuckDB files: `WAREHOUSE_DATABASE_URL=duckdb:///srv/warehouse`, a folder.

Each question has a database of its own in a thread of its own, which the deadline interrupts.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import anyio
import duckdb
import sqlglot

from mcp_shared import telemetry
from mcp_warehouse import complaints
from mcp_warehouse.duck import room as rooms
from mcp_warehouse.duck.values import plain
from mcp_warehouse.guard import Admitted
from mcp_warehouse.rights import Regions
from mcp_warehouse.semantic.question import Measured, Question, measured
from mcp_warehouse.semantic.statement import compiled
from mcp_warehouse.settings import Settings
from mcp_warehouse.warehouse import Column, Selection, Table

Room = duckdb.DuckDBPyConnection
Found = TypeVar("Found")
ROWS_AT_ONCE = 100  # between two looks at the byte cap
INTERRUPT_EVERY_SECONDS = 0.02  # one that comes before the statement began is lost
SYSTEM = {"db.system": "duckdb"}

# the nearest SQLSTATE, so that a refusal reads the same on both engines; the first that fits
_SQLSTATES: tuple[tuple[type[Exception], str], ...] = (
    (rooms.NotOneSelectError, "42501"),
    (duckdb.PermissionException, "42501"),
    (duckdb.InterruptException, "57014"),
    (duckdb.OutOfMemoryException, "53200"),
    (duckdb.ParserException, "42601"),
    (duckdb.CatalogException, "42883"),
    (duckdb.BinderException, "42804"),
    (duckdb.ConversionException, "22P02"),
    (duckdb.OutOfRangeException, "22003"),
    (duckdb.InvalidInputException, "22023"),
)

log = logging.getLogger(__name__)


class Files:
    """Implements `Warehouse`."""

    def __init__(self, folder: Path, settings: Settings, threads: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._settings = settings
        self._threads = threads
        self._free = asyncio.Semaphore(settings.connections)

    async def tables(self) -> list[Table]:
        rows = await self._fetched("SELECT name, kind, description FROM shared.about.tables", [])
        return sorted((Table(*row) for row in rows), key=lambda table: table.name)

    async def columns(self, table: str) -> list[Column]:
        rows = await self._fetched(
            "SELECT name, type, description FROM shared.about.columns WHERE table_name = $1::text"
            " ORDER BY position",
            [table],
        )
        return [Column(*row) for row in rows]

    async def as_of(self) -> date:
        rows = await self._fetched("SELECT as_of FROM shared.sales.as_of", [])
        if not rows:
            log.error("the warehouse is empty")
            raise complaints.unavailable()
        day: date = rows[0][0]
        return day

    async def nations(self) -> list[str]:
        rows = await self._fetched("SELECT nation FROM shared.sales.nations ORDER BY nation", [])
        return [nation for (nation,) in rows]

    async def measure(self, question: Question, regions: Regions) -> list[Measured]:
        asked = compiled(question)
        rows = await self._fetched(asked.text, list(asked.parameters), regions)
        return [measured(question, *row) for row in rows]

    async def select(self, statement: Admitted, rows: int, regions: Regions) -> Selection:
        try:
            with telemetry.one_span("SELECT", **SYSTEM):  # not the caller's own statement
                return await self._in_a_room(
                    regions, lambda room: self._collect(room, statement.text, rows)
                )
        except (duckdb.Error, rooms.NotOneSelectError) as error:
            sqlstate = next((code for kind, code in _SQLSTATES if isinstance(error, kind)), "XX000")
            log.info("query failed", extra={"sqlstate": sqlstate})
            raise complaints.fault(sqlstate) from None

    async def _fetched(
        self, text: str, parameters: list[Any], regions: Regions | None = None
    ) -> list[tuple[Any, ...]]:
        try:
            return await self._in_a_room(
                regions, lambda room: room.execute(text, parameters).fetchall()
            )
        except duckdb.Error as error:
            log.error("warehouse unavailable", extra={"error": type(error).__name__})
            raise complaints.unavailable() from None

    def _collect(self, room: Room, sql: str, most: int) -> Selection:
        text = ";".join(sqlglot.transpile(sql, read="postgres", write="duckdb"))
        room.execute(rooms.one_select(room, text))
        columns = tuple(name for name, *_ in room.description or ())
        rows: list[list[Any]] = []
        size = 0
        while chunk := room.fetchmany(min(ROWS_AT_ONCE, most + 1 - len(rows))):
            for values in chunk:
                row = [plain(value) for value in values]
                shown = json.dumps(row, ensure_ascii=False)
                size += len(shown.encode())
                if len(shown) > self._settings.most_row_characters:
                    raise complaints.row_too_long()
                if len(rows) == most or size > self._settings.most_bytes:
                    return Selection(columns, rows, truncated=True)
                rows.append(row)
        return Selection(columns, rows, truncated=False)

    async def _in_a_room(self, regions: Regions | None, work: Callable[[Room], Found]) -> Found:
        try:
            async with asyncio.timeout(self._settings.acquire_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise complaints.busy() from None
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                return await self._interrupted(regions, work)
        except TimeoutError:
            raise complaints.too_long() from None
        finally:
            self._free.release()

    async def _interrupted(self, regions: Regions | None, work: Callable[[Room], Found]) -> Found:
        """In a thread; whoever stops waiting stops the statement, too."""
        there: list[Room] = []
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, self._worked, regions, work, there)
        try:
            return await asyncio.shield(running)
        finally:
            with anyio.CancelScope(shield=True):
                while not running.done():
                    for room in there:
                        room.interrupt()
                    await asyncio.wait([running], timeout=INTERRUPT_EVERY_SECONDS)
            running.exception()  # of one that nobody waits for any more

    def _worked(
        self, regions: Regions | None, work: Callable[[Room], Found], there: list[Room]
    ) -> Found:
        try:
            room = rooms.opened(self._folder, regions, self._settings.memory_mb)
        except duckdb.Error as error:
            log.error("warehouse unavailable", extra={"error": type(error).__name__})
            raise complaints.unavailable() from None
        there.append(room)
        try:
            return work(room)
        finally:
            there.clear()
            room.close()


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Files]:
    folder = Path(unquote(urlsplit(settings.database_url).path))
    with ThreadPoolExecutor(settings.connections, "duckdb") as threads:
        yield Files(folder, settings, threads)
