"""`make restore`: a new cluster from a backup, and a signed statement of what that lost.

Erasures that were noted beside the keys since the backup are done again: a backup does not give a
person's keys back. The stack is started afterwards, by `make up`.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from mcp_local import postgres, restore_statement
from mcp_local.backup import ROLES, Backup, BackupError
from mcp_local.backup_tools import tool
from mcp_local.place import Place, prepare
from mcp_local.ports import free_port
from mcp_local.postgres_home import data_of, unprivileged
from mcp_local.secret_files import Secrets

ERASED = "erased.jsonl"  # of the keyring; each line one erasure
LEDGER = "ledger"


def restore(here: Place, backup: Backup, *, checkpoints: str | None, replace: bool) -> str:
    """Put it all back; what the statement says.

    Raises:
        BackupError: a cluster is there and may not be replaced, or the statement was not made.

    """
    folder = here.run / "postgres"
    if data_of(folder).exists():
        if not replace:
            raise BackupError(
                f"{folder} holds databases. REPLACE=1 removes them; make a backup of them first."
            )
        postgres.remove(folder)
    prepare(here)
    put_back_keys(backup.keys, here.secrets)
    with cluster(here) as server:
        url = server.url()
        tool("psql", url, "--quiet", "--set=ON_ERROR_STOP=1", f"--file={backup.dumps / ROLES}")
        for name in sorted(backup.files):
            if name.endswith(".dump"):
                tool("pg_restore", url, "--create", "--exit-on-error", str(backup.dumps / name))
        try:
            return restore_statement.state(
                here, server.url(LEDGER), backup=backup.name, taken=backup.taken.isoformat(),
                checkpoints=checkpoints,
            )  # fmt: skip
        except restore_statement.NotStatedError as error:
            raise BackupError(str(error)) from error


def put_back_keys(kept: Path, secrets: Path) -> None:
    """The keys of the backup; of erasures also those that were noted here since."""
    noted = secrets / ERASED
    here = noted.read_text("utf-8").splitlines() if noted.is_file() else []
    shutil.copytree(kept, secrets, dirs_exist_ok=True)
    there = noted.read_text("utf-8").splitlines() if noted.is_file() else []
    if lines := dict.fromkeys([*there, *here]):
        noted.touch(mode=0o600)
        noted.write_text("".join(f"{line}\n" for line in lines), "utf-8")


@contextlib.contextmanager
def cluster(here: Place) -> Iterator[postgres.Postgres]:
    """The cluster where the stack looks for it, made if need be, for as long as it is filled."""
    password = Secrets(here.secrets).get("postgres-superuser")
    home = postgres.home(here.run / "postgres")
    postgres.initialise(home.data, password, home.binaries)
    server = postgres.Postgres(port=free_port(), password=password)
    with (here.logs / "restore.log").open("wb") as log:
        process = subprocess.Popen(
            postgres.command(home.data, server.port, None, home.binaries),
            cwd="/", stdout=log, stderr=log, **unprivileged(),
        )  # fmt: skip
        try:
            deadline = time.monotonic() + postgres.START_SECONDS
            while not asyncio.run(postgres.answers(server.url())):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BackupError(f"PostgreSQL did not start; see {log.name}")
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()  # smart shutdown: all tools have ended
            process.wait(timeout=postgres.START_SECONDS)


def witness(here: Place) -> str | None:
    """Where this stack's checkpoints are, unless the environment says otherwise."""
    named = os.environ.get("GATEWAY_CHECKPOINTS")
    own = here.run / "witness"
    return named or (str(own) if own.is_dir() else None)
