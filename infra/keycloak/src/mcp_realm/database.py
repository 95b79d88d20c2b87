"""`python -m mcp_realm database`: Keycloak's own role, which owns its database and nothing else."""

import argparse
import asyncio
import os
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import asyncpg


def main(arguments: Sequence[str]) -> int:
    argparse.ArgumentParser(prog="python -m mcp_realm database", description=__doc__).parse_args(
        arguments
    )
    asyncio.run(prepare(os.environ["KEYCLOAK_DATABASE_ADMIN"], os.environ["KEYCLOAK_DATABASE"]))
    return 0


async def prepare(admin_url: str, url: str) -> None:
    """May run at every start: the role gets the password of today."""
    wanted = urlsplit(url)
    role, database = unquote(wanted.username or ""), wanted.path.lstrip("/")
    connection = await asyncpg.connect(admin_url, timeout=10)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f'CREATE ROLE "{role}"')
        password = await connection.fetchval(
            "SELECT quote_literal($1::text)", unquote(wanted.password or "")
        )
        await connection.execute(f'ALTER ROLE "{role}" LOGIN PASSWORD {password}')
        await connection.execute(f'ALTER DATABASE "{database}" OWNER TO "{role}"')
        await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    finally:
        await connection.close()
