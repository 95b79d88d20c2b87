"""Which warehouse the address leads to: PostgreSQL, or a folder of DuckDB files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_warehouse import reader
from mcp_warehouse.settings import Settings
from mcp_warehouse.warehouse import Warehouse


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Warehouse]:
    if not settings.database_url.startswith("duckdb:"):
        async with reader.reading(settings) as database:
            yield database
        return
    # the wheel comes with the extra `duckdb`, which few need
    from mcp_warehouse.duck import files

    async with files.reading(settings) as folder:
        yield folder
