"""`python -m mcp_crm.migrate`: the outbox's schema and the server's own login; safe to repeat.

Reads CRM_ADMIN_DATABASE_URL (may create schemas and roles) and CRM_DATABASE_URL, whose user is the
role that gets the rights. Rows older than KEEP_DAYS go: by then nobody repeats a call.
"""

import asyncio
import os
import sys

import asyncpg

from mcp_shared import keeper_login

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
            await keeper_login.give(db, login_url, "outbox", "write")
            await db.execute(
                "DELETE FROM outbox.write WHERE updated_at < now() - make_interval(days => $1)",
                KEEP_DAYS,
            )
    finally:
        await db.close()


def main() -> None:
    try:
        urls = os.environ["CRM_ADMIN_DATABASE_URL"], os.environ["CRM_DATABASE_URL"]
    except KeyError as missing:
        sys.exit(f"{missing.args[0]} is not set: a postgresql:// URL is needed")
    asyncio.run(migrate(*urls))
    sys.stdout.write("The outbox is ready.\n")


if __name__ == "__main__":
    main()
