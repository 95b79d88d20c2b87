"""`python -c THIS`: makes the databases of DATABASES, and for OWNERS the logins that own them.

Runs before the other setup tasks, as the administrator, and may be repeated. Both are JSON: a list,
and {database: login}; the password of a login is in PASSWORD_<LOGIN>. Keycloak needs such a one.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping

import asyncpg


async def prepare(
    address: str, databases: list[str], owners: Mapping[str, tuple[str, str]]
) -> None:
    """`owners`: database → (login, password)."""
    connection = await asyncpg.connect(address)
    try:
        for database in databases:
            if not await connection.fetchval(
                "SELECT 1 FROM pg_database WHERE datname = $1", database
            ):
                name = await connection.fetchval("SELECT quote_ident($1)", database)
                await connection.execute(f"CREATE DATABASE {name}")
        for database, (login, password) in owners.items():
            known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", login)
            for form, values in (
                (
                    f"{'ALTER' if known else 'CREATE'} ROLE %1$I LOGIN PASSWORD %2$L",
                    (login, password),
                ),
                (
                    "GRANT %1$I TO CURRENT_USER",
                    (login, ""),
                ),  # an administrator is no superuser in RDS
                ("ALTER DATABASE %2$I OWNER TO %1$I", (login, database)),
                ("REVOKE ALL ON DATABASE %2$I FROM PUBLIC", (login, database)),
            ):
                statement = await connection.fetchval(
                    "SELECT format($1, $2::text, $3::text)", form, *values
                )
                await connection.execute(statement)
    finally:
        await connection.close()


def main() -> None:
    given = os.environ
    owners = {
        database: (login, given[f"PASSWORD_{login.upper()}"])
        for database, login in json.loads(given["OWNERS"]).items()
    }
    asyncio.run(prepare(given["ADMIN_URL"], json.loads(given["DATABASES"]), owners))
    sys.stdout.write("The databases are there.\n")


if __name__ == "__main__":
    main()
