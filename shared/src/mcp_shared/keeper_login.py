"""The login of a server that keeps rows of its own, and its rights on their one table."""

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import asyncpg


async def give(
    db: "asyncpg.Connection[asyncpg.Record]", login_url: str, schema: str, table: str
) -> None:
    """Make the URL's user, or give it this password; it may read and write the table, no more."""
    parts = urlsplit(login_url)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    known = await db.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    for statement in (
        f"{'ALTER' if known else 'CREATE'} ROLE %1$I LOGIN PASSWORD %2$L",
        f"GRANT USAGE ON SCHEMA {schema} TO %1$I",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.{table} TO %1$I",
    ):
        # quoted by the database: neither a name nor a password can be a parameter here
        made = await db.fetchval("SELECT format($1, $2::text, $3::text)", statement, name, password)
        await db.execute(made)
