"""The database's shape: `python -m mcp_docs.migrate`. Numbered SQL files, each applied once.

Roles belong to the whole cluster and are made first, outside the numbered files: another database
of the same cluster may have made them already.
"""

import asyncio
import sys
from importlib import resources

import asyncpg

from mcp_docs.settings import LoaderSettings
from mcp_shared.settings import StartError, read

LOCK = 0x646F6373  # "docs": one migration or load at a time


async def migrate(connection: asyncpg.Connection, ro_password: str | None) -> list[str]:
    """Bring the database up to date; the names of the files that were applied."""
    await _roles(connection, ro_password)
    files = sorted(
        (
            file
            for file in resources.files("mcp_docs.migrations").iterdir()
            if file.name[0].isdigit()
        ),
        key=lambda file: file.name,
    )
    applied = []
    for file in files:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS public.docs_migration ("
                "name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())"
            )
            fresh = await connection.fetchval(
                "INSERT INTO public.docs_migration (name) VALUES ($1) "
                "ON CONFLICT DO NOTHING RETURNING name",
                file.name,
            )
            if fresh:
                await connection.execute(file.read_text())
                applied.append(file.name)
    return applied


async def _roles(connection: asyncpg.Connection, ro_password: str | None) -> None:
    for name, options in (("docs_owner", "NOLOGIN"), ("docs_ro", "LOGIN NOINHERIT")):
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
                await connection.execute(f"CREATE ROLE {name} {options}")
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            pass  # another database's migration was faster
    # managed databases: an admin who is no superuser must be a member to act as the owner
    if not await connection.fetchval("SELECT pg_has_role(current_user, 'docs_owner', 'SET')"):
        await connection.execute("GRANT docs_owner TO CURRENT_USER")
    if ro_password:
        statement = await connection.fetchval(
            "SELECT format('ALTER ROLE docs_ro PASSWORD %L', $1::text)", ro_password
        )
        await connection.execute(statement)


async def _run(settings: LoaderSettings) -> list[str]:
    connection = await asyncpg.connect(settings.admin_url)
    try:
        return await migrate(connection, settings.ro_password)
    finally:
        await connection.close()


def main() -> None:
    try:
        settings = read(LoaderSettings)
    except StartError as error:
        sys.exit(str(error))
    applied = asyncio.run(_run(settings))
    sys.stdout.write(f"docs: {', '.join(applied) or 'schema is up to date'}\n")


if __name__ == "__main__":
    main()
