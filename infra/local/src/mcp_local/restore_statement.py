"""The signed statement that a restored ledger needs: what was lost, so that checkpoints stay."""

import subprocess
import sys

from mcp_local import environment
from mcp_local.fill import with_login
from mcp_local.place import Place
from mcp_local.secret_files import Secrets

SECONDS = 300


class NotStatedError(Exception):
    """The databases are back and the statement is not; the message says why."""


def state(here: Place, admin: str, *, backup: str, taken: str, checkpoints: str | None) -> str:
    """Make it with the restored version's own command; what it says.

    `admin`: the ledger's database, as who owns it. `taken`: when the backup was, in ISO 8601.

    Raises:
        NotStatedError: the command refused.

    """
    secrets = Secrets(here.secrets)

    def login(role: str) -> str:
        return with_login(admin, role, secrets.get(f"postgres-{role}"))

    env = environment.inherited() | {
        "GATEWAY_KEYS": str(here.secrets),
        "LEDGER_ADMIN_URL": admin,
        "GATEWAY_LEDGER_URL": login("audit_writer"),
        "GATEWAY_LEDGER_READER_URL": login("audit_reader"),
    }
    words = ["--backup", backup, "--taken", taken]
    words += ["--checkpoints", checkpoints] if checkpoints else []
    done = subprocess.run(
        [sys.executable, "-m", "mcp_gateway.audit", "restored", *words],
        env=env, cwd=here.root, check=False, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        raise NotStatedError(f"The databases are back; the statement is not: {done.stderr.strip()}")
    return done.stdout.strip()
