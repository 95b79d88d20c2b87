"""PostgreSQL and Valkey as parts of the stack, and whether a part is ours to start at all."""

import asyncio
import os
import signal
from collections.abc import Mapping

import asyncpg

from mcp_local import postgres, valkey
from mcp_local.child import Launch
from mcp_local.fill import Filler
from mcp_local.plan import Part
from mcp_local.postgres_home import unprivileged

_creating = asyncio.Lock()  # CREATE DATABASE copies a template, which two may not do at once


def external(part: Part, filler: Filler) -> bool:
    """Whether the environment names a server of its own for this part."""
    return bool(
        (part.kind == "postgres" and filler.place.database_url)
        or (part.kind == "valkey" and filler.place.redis_url)
    )


def idle(part: Part, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment names something that does this part's work."""
    return bool(part.unless and environ.get(part.unless))


def postgres_launch(part: Part, filler: Filler, env: Mapping[str, str]) -> Launch:
    run = filler.place.run
    home = postgres.home(run / "postgres")
    postgres.initialise(home.data, filler.secrets.get("postgres-superuser"), home.binaries)
    return Launch(
        command=postgres.command(
            home.data, filler.ports[part.name], {"max_connections": "200"}, home.binaries
        ),
        env=env,
        folder=home.data.parent,
        log=filler.place.logs / f"{part.name}.log",
        who=unprivileged(),
        gentle=signal.SIGINT,  # fast shutdown: SIGTERM would wait for every client to leave
    )


def valkey_launch(part: Part, filler: Filler, env: Mapping[str, str]) -> Launch:
    folder = filler.place.run / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    configuration = valkey.configure(folder, filler.secrets.get("valkey"))
    return Launch(
        command=valkey.command(filler.ports[part.name], configuration),
        env=env,
        folder=folder,
        log=filler.place.logs / f"{part.name}.log",
    )


async def make_databases(url: str, names: set[str]) -> None:
    """Create the databases that are missing; existing ones are left alone."""
    if not names:
        return
    async with _creating:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            for name in sorted(names):
                if not await connection.fetchval(
                    "SELECT 1 FROM pg_database WHERE datname = $1", name
                ):
                    quoted = name.replace('"', '""')
                    await connection.execute(f'CREATE DATABASE "{quoted}"')
        finally:
            await connection.close()
