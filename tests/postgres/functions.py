"""Which functions of PostgreSQL a person's SQL could call if the parser let it: the accepted list.

    PYTHONPATH=tests python -m postgres.functions    writes it anew, to be read as a diff

After an upgrade, new functions arrive open to everyone; `test_functions.py` names them.
"""

import asyncio
from pathlib import Path

import asyncpg
from postgres.loaded import loaded

from mcp_local import postgres

ROOT = Path(__file__).parents[2]
ACCEPTED = Path(__file__).with_name("open_functions.txt")
# what cannot change anything by its own declaration is listed by name; the rest with arguments
OPEN = """
SELECT DISTINCT CASE provolatile WHEN 'i' THEN proname::text ELSE
    provolatile::text || ' ' || proname || '(' || pg_get_function_identity_arguments(oid) || ')' END
FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('wh_ro', oid, 'EXECUTE')
    -- support of types, indexes and triggers, which no SQL can call by its arguments
    AND NOT 'internal'::regtype = ANY (proargtypes) AND prorettype <> 'trigger'::regtype
    AND prorettype <> 'event_trigger'::regtype
"""


async def open_to_the_reader(admin: asyncpg.Connection) -> list[str]:
    return sorted(row[0] for row in await admin.fetch(OPEN))


async def write(server: postgres.Postgres) -> None:
    admin = await asyncpg.connect((await loaded(server)).admin_url)
    ACCEPTED.write_text("".join(f"{one}\n" for one in await open_to_the_reader(admin)), "utf-8")
    await admin.close()


if __name__ == "__main__":
    folder = ROOT / ".run" / "open-functions"
    folder.mkdir(parents=True, exist_ok=True)
    with postgres.running(folder, {"fsync": "off"}) as running:
        asyncio.run(write(running))
