"""After going back: a signed statement of what that lost, so that the ledger's checkpoints stay.

The version gone back to has to know such a statement; its database says so, by the table for it.
"""

import asyncio

import asyncpg

from mcp_local import restore_statement
from mcp_local.fill import with_database
from mcp_local.place import Place
from mcp_playbook.upgrade.backup import Backup, BackupError

LEDGER = "ledger"


def restate(here: Place, postgres: str, restored: Backup, checkpoints: str | None) -> str | None:
    """What the statement says; None where the version gone back to knows none."""
    admin = with_database(postgres, LEDGER)
    if LEDGER not in restored.files or not asyncio.run(_known(admin)):
        return None
    try:
        return restore_statement.state(
            here, admin, backup=restored.folder.name, taken=restored.made, checkpoints=checkpoints
        )
    except restore_statement.NotStatedError as error:
        raise BackupError(str(error)) from error


async def _known(admin: str) -> bool:
    connection = await asyncpg.connect(admin, timeout=10)
    try:
        return bool(await connection.fetchval("SELECT to_regclass('audit.restored') IS NOT NULL"))
    finally:
        await connection.close()
