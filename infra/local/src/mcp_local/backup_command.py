"""`make backup` and `make restore`, as a person sees them."""

import time
from datetime import UTC, datetime
from pathlib import Path

from mcp_local import backup as backups
from mcp_local import backup_restore, control, screen
from mcp_local.backup import BackupError
from mcp_local.load import Stack


def backup(stack: Stack, to: Path | None, keys: Path | None) -> int:
    _own_databases(stack)
    if control.supervisor_pid(stack.here) is None:
        raise BackupError("Nothing runs, so nothing can be dumped; `make up` starts the stack.")
    begun = time.monotonic()
    dumps, kept = backups.folders(stack.here.run, datetime.now(UTC))
    made = backups.back_up(stack.filler().postgres, stack.here.secrets, to or dumps, keys or kept)
    screen.console.print(
        f"{len(made.files)} files, {made.bytes / 1024:,.0f} KiB in {time.monotonic() - begun:.1f} s"
        f"\n  databases  {made.dumps}\n  keys       {made.keys}\n"
        "Carry the two to different places: together they open everything.",
        markup=False,
    )
    return 0


def restore(
    stack: Stack, source: Path, keys: Path | None, checkpoints: str | None, *, replace: bool
) -> int:
    _own_databases(stack)
    if control.supervisor_pid(stack.here) is not None:
        raise BackupError("The stack runs; `make down` first: nobody may write meanwhile.")
    found = backups.read(source, keys or source.with_name(f"{source.name}-keys"))
    begun = time.monotonic()
    place = checkpoints or backup_restore.witness(stack.here)
    said = backup_restore.restore(stack.here, found, checkpoints=place, replace=replace)
    screen.console.print(
        f"{said}\nRestored in {time.monotonic() - begun:.1f} s. Next: make up, then make audit.",
        markup=False,
    )
    return 0


def _own_databases(stack: Stack) -> None:
    if stack.here.database_url:
        raise BackupError("DATABASE_URL names a server of your own: use that server's backups.")
