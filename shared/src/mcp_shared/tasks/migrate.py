"""`python -m mcp_shared.tasks.migrate NAME`: the tasks' table, and a server's login; repeatable.

Reads <NAME>_TASKS_ADMIN_DATABASE_URL (may create schemas and roles) and <NAME>_TASKS_DATABASE_URL,
whose user is the role that gets the rights. Each server has a database of its own for its tasks.
"""

import asyncio
import sys

import asyncpg

from mcp_shared.postgres import give_keeper_login
from mcp_shared.settings import StartError, read
from mcp_shared.tasks.settings import MigrationSettings, prefix

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS tasks;
CREATE TABLE IF NOT EXISTS tasks.task (
    id           text PRIMARY KEY,
    owner        text NOT NULL,
    tool         text NOT NULL,
    status       text NOT NULL CHECK (status IN
                 ('working', 'input_required', 'completed', 'failed', 'cancelled', 'expired')),
    message      text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    poll_ms      integer NOT NULL,
    attempt      integer NOT NULL DEFAULT 1,
    -- the process that works on it, until when that is believed without hearing from it
    holder       text,
    leased_until timestamptz,
    -- JSON as text: a NUL character is no reason to lose a result
    call         text,   -- for whom and with what; gone once it is over
    requests     text,
    answers      text,
    ending       text    -- the result, or the error; gone once it expires
);
CREATE INDEX IF NOT EXISTS task_owner ON tasks.task (owner) WHERE status <> 'expired';
CREATE INDEX IF NOT EXISTS task_expiry ON tasks.task (expires_at);
CREATE INDEX IF NOT EXISTS task_lease ON tasks.task (leased_until)
    WHERE status IN ('working', 'input_required');
"""


async def migrate(admin_url: str, login_url: str) -> None:
    db = await asyncpg.connect(admin_url)
    try:
        async with db.transaction():
            await db.execute("SELECT pg_advisory_xact_lock(hashtext('mcp_shared.tasks.migrate'))")
            await db.execute(_SCHEMA)
            await give_keeper_login(db, login_url, "tasks", "task")
    finally:
        await db.close()


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("python -m mcp_shared.tasks.migrate NAME: the name of the server is needed")
    try:
        settings = read(MigrationSettings, prefix(sys.argv[1]))
    except StartError as error:
        sys.exit(str(error))
    asyncio.run(migrate(settings.admin_database_url, settings.database_url))
    sys.stdout.write("The tasks' table is ready.\n")


if __name__ == "__main__":
    main()
