"""`python -m mcp_crm.migrate`: the outbox's schema and the server's own login; safe to repeat.

Reads CRM_ADMIN_DATABASE_URL (may create schemas and roles) and CRM_DATABASE_URL, whose user is the
role that gets the rights. Rows older than KEEP_DAYS go: by then nobody repeats a call.
"""

import asyncio
import sys

import asyncpg

from mcp_crm.settings import MigrationSettings
from mcp_shared.postgres import give_keeper_login
from mcp_shared.settings import StartError, read

KEEP_DAYS = 90

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS outbox;
CREATE TABLE IF NOT EXISTS outbox.write (
    marker       text PRIMARY KEY,
    request      text NOT NULL,
    tool         text NOT NULL,
    subject      text NOT NULL,
    state        text NOT NULL DEFAULT 'claimed' CHECK (state IN ('claimed', 'sent', 'done')),
    seen         jsonb,
    result       jsonb,
    leased_until timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE outbox.write ADD COLUMN IF NOT EXISTS attempt integer NOT NULL DEFAULT 1;
"""


async def migrate(admin_url: str, login_url: str) -> None:
    db = await asyncpg.connect(admin_url)
    try:
        async with db.transaction():
            await db.execute("SELECT pg_advisory_xact_lock(hashtext('mcp_crm.migrate'))")
            await db.execute(_SCHEMA)
            await give_keeper_login(db, login_url, "outbox", "write")
            await db.execute(
                "DELETE FROM outbox.write WHERE updated_at < now() - make_interval(days => $1)",
                KEEP_DAYS,
            )
    finally:
        await db.close()


def main() -> None:
    try:
        settings = read(MigrationSettings)
    except StartError as error:
        sys.exit(str(error))
    asyncio.run(migrate(settings.admin_database_url, settings.database_url))
    sys.stdout.write("The outbox is ready.\n")


if __name__ == "__main__":
    main()
