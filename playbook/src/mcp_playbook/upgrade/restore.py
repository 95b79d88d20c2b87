"""Puts a backup back: PostgreSQL alone is started, what is there is dumped first, then replaced.

Refuses while the stack runs. What was recorded after the backup is then in the second dump only,
and every receipt for it proves a record that the ledger no longer holds. A signed statement says
so, as `make restore` signs one. Where the version gone back to knows none, the stack's own
checkpoints go to the second dump, too: they speak of records that are there alone.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mcp_local import control, leftovers, logfile, own, postgres
from mcp_local.fill import Filler
from mcp_local.load import Stack
from mcp_local.lock import held
from mcp_local.place import Place, prepare
from mcp_local.ports import free_port, is_free
from mcp_playbook.upgrade import backup
from mcp_playbook.upgrade.backup import Backup, BackupError
from mcp_playbook.upgrade.restated import restate

# where the local stack keeps checkpoints, and which of them was seen last
CHECKPOINTS, SEEN = "witness", "checkpoint.seen"


def restore(stack: Stack, folder: Path, commit: str) -> tuple[Backup, str | None]:
    """Replace every database of the backup; the dump of what was there, and the statement."""
    wanted = backup.read(folder)
    here = stack.here
    prepare(here)
    with held(here.run / "command.lock", wait=True):
        if control.supervisor_pid(here) is not None:
            raise BackupError("The stack runs: `make down` first, so that nothing is recorded now.")
        with database_alone(stack) as filler:
            there = asyncio.run(backup.names(filler))
            saved = backup.make(
                filler, there, backup.folder_of(here).with_suffix(".replaced"), commit
            )
            for name in wanted.files:
                backup.tool(
                    "pg_restore", filler.postgres, "--create", "--clean", "--if-exists",
                    "--exit-on-error", str(wanted.dump(name)),
                )  # fmt: skip
            said = restate(here, filler.postgres, wanted, _checkpoints(here))
            for kept in (here.run / CHECKPOINTS, here.secrets / SEEN):
                if said is None and kept.exists():
                    shutil.move(kept, saved.folder / kept.name)
    return saved, said


def _checkpoints(here: Place) -> str | None:
    own = here.run / CHECKPOINTS
    return os.environ.get("GATEWAY_CHECKPOINTS") or (str(own) if own.is_dir() else None)


@contextlib.contextmanager
def database_alone(stack: Stack) -> Iterator[Filler]:
    """The stack's PostgreSQL without anything that would write to it."""
    here, filler = stack.here, stack.filler()
    if here.database_url:
        yield filler
        return
    leftovers.end(leftovers.leftovers(here))
    port = filler.ports.get("postgres", 0)
    if not port or not is_free(port):
        port = free_port()
    filler = replace(filler, ports={**filler.ports, "postgres": port})
    part = next(part for part in filler.plan.parts if part.kind == "postgres")
    launch = own.postgres_launch(part, filler, os.environ)
    with logged(launch.log) as log:
        process = subprocess.Popen(
            launch.command, cwd=launch.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            **launch.who,
        )  # fmt: skip
    try:
        _await(process, filler.postgres, launch.log)
        yield filler
    finally:
        process.send_signal(launch.gentle)
        process.wait(timeout=control.STOP_SECONDS)


@contextlib.contextmanager
def logged(file: Path) -> Iterator[int]:
    descriptor = logfile.opened(file)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + postgres.START_SECONDS
    while not asyncio.run(postgres.answers(url)):
        if process.poll() is not None or time.monotonic() > deadline:
            words: Sequence[str] = logfile.tail(log)
            raise BackupError("PostgreSQL did not start:\n" + "\n".join(words))
        time.sleep(0.1)
