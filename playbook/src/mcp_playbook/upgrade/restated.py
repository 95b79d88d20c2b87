"""After going back: a signed statement of what that lost, so that the ledger's checkpoints stay.

The version gone back to has to know such a statement; its database says so, by the table for it.
"""

import asyncio
import subprocess
import sys

import asyncpg

from mcp_local import environment
from mcp_local.fill import with_database, with_login
from mcp_local.place import Place
from mcp_local.secret_files import Secrets
from mcp_playbook.upgrade.backup import Backup, BackupError

LEDGER = "ledger"
SECONDS = 300


def restate(here: Place, postgres: str, restored: Backup, checkpoints: str | None) -> str | None:
    """What the statement says; None where the version gone back to knows none."""
    admin = with_database(postgres, LEDGER)
    if LEDGER not in restored.files or not asyncio.run(_known(admin)):
        return None
    secrets = Secrets(here.secrets)
    env = environment.inherited() | {
        "GATEWAY_KEYS": str(here.secrets),
        "LEDGER_ADMIN_URL": admin,
        "GATEWAY_LEDGER_URL": _login(admin, secrets, "audit_writer"),
        "GATEWAY_LEDGER_READER_URL": _login(admin, secrets, "audit_reader"),
    }
    words = ["--backup", restored.folder.name, "--taken", restored.made]
    words += ["--checkpoints", checkpoints] if checkpoints else []
    done = subprocess.run(
        [sys.executable, "-m", "mcp_gateway.audit", "restored", *words],
        env=env, cwd=here.root, check=False, capture_output=True, text=True,
        timeout=SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        raise BackupError(f"The databases are back; the statement is not: {done.stderr.strip()}")
    return done.stdout.strip()


async def _known(admin: str) -> bool:
    connection = await asyncpg.connect(admin, timeout=10)
    try:
        return bool(await connection.fetchval("SELECT to_regclass('audit.restored') IS NOT NULL"))
    finally:
        await connection.close()


def _login(admin: str, secrets: Secrets, role: str) -> str:
    return with_login(admin, role, secrets.get(f"postgres-{role}"))
