"""PostgreSQL as servers meet it: its ways to fail, and the rows that a server keeps for itself."""

from urllib.parse import unquote, urlsplit

import asyncpg

CONNECT_SECONDS = 3.0
STATEMENT_SECONDS = 3.0

# whatever it says, and that it says nothing: where the statements are ours and the rows, too
FAULTS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
# gone, going, full, not loaded or not ours; anything else is a bug, and stays loud
DOWN = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedTableError,
    asyncpg.InsufficientPrivilegeError,
)


def keeper_pool(
    url: str, name: str, connections: int = 4, statement_seconds: float = STATEMENT_SECONDS
) -> "asyncpg.Pool[asyncpg.Record]":
    """Connections to a server's own rows, opened when needed: it starts while they are away."""
    return asyncpg.create_pool(
        url,
        min_size=0,
        max_size=connections,
        timeout=CONNECT_SECONDS,
        command_timeout=statement_seconds,
        reset=_wipe,
        server_settings={"application_name": name},
    )


async def _wipe(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Instead of the driver's own, which needs functions that a hardened database has closed."""
    await connection.execute("RESET ALL")


async def give_keeper_login(
    db: "asyncpg.Connection[asyncpg.Record]", login_url: str, schema: str, table: str
) -> None:
    """Make the URL's user, or give it this password; it may read and write the table, no more.

    Raises:
        ValueError: the URL names no user.

    """
    parts = urlsplit(login_url)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not name:
        raise ValueError(f"the URL of the login for {schema}.{table} names no user")
    known = await db.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    for statement in (
        f"{'ALTER' if known else 'CREATE'} ROLE %1$I LOGIN PASSWORD %2$L",
        f"GRANT USAGE ON SCHEMA {schema} TO %1$I",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.{table} TO %1$I",
    ):
        # quoted by the database: neither a name nor a password can be a parameter here
        made = await db.fetchval("SELECT format($1, $2::text, $3::text)", statement, name, password)
        await db.execute(made)
