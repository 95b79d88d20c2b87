"""`make backup`: every database in one folder, keys and passwords in another.

Taken while everything runs: each dump is one snapshot. Encrypted arguments and their wrapped keys
are in the dumps, what opens them is with the keys. Valkey holds nothing that has to come back.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_local.backup_tools import dump, tool
from mcp_local.fill import with_database

MANIFEST = "backup.json"
ROLES = "roles.sql"
VERSION = 1
SUPERUSER = "CREATE ROLE postgres;"  # in every dump of roles; initdb has made it already
_DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"


class BackupError(RuntimeError):
    """There is no backup, or it is not the one that was made; the message says what to do."""


@dataclass(frozen=True)
class Backup:
    """Where one is, and what its manifest says."""

    dumps: Path
    keys: Path
    taken: datetime
    files: dict[str, str]  # name to SHA-256

    @property
    def name(self) -> str:
        """It names the manifest's bytes, so a statement about it is about this backup alone."""
        digest = hashlib.sha256((self.dumps / MANIFEST).read_bytes()).hexdigest()[:16]
        return f"{self.dumps.name} {digest}"

    @property
    def bytes(self) -> int:
        return sum((self.dumps / name).stat().st_size for name in self.files)


def folders(run: Path, now: datetime) -> tuple[Path, Path]:
    """Where one goes when nobody says: side by side, to be carried to two places."""
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    return run / "backups" / stamp, run / "backups" / f"{stamp}-keys"


def back_up(server: str, secrets: Path, dumps: Path, keys: Path) -> Backup:
    """Dump everything, as the superuser; the manifest comes last, so a broken one has none."""
    if dumps.exists() or keys.exists():
        raise BackupError(f"{dumps if dumps.exists() else keys} is there already.")
    dumps.mkdir(mode=0o700, parents=True)
    taken = datetime.now(UTC)
    roles = tool("pg_dumpall", server, "--roles-only").replace(SUPERUSER, "")
    _closed(dumps / ROLES).write_text(roles, "utf-8")
    for name in _databases(server):
        dump(with_database(server, name), _closed(dumps / f"{name}.dump"))
    shutil.copytree(secrets, keys)
    keys.chmod(0o700)
    files = {file.name: digest(file) for file in sorted(dumps.iterdir())}
    said = {"version": VERSION, "taken": taken.isoformat(), "files": files}
    _closed(dumps / MANIFEST).write_text(json.dumps(said, indent=2), "utf-8")
    return Backup(dumps, keys, taken, files)


def read(dumps: Path, keys: Path) -> Backup:
    """A backup as it was made: every file is there, and is what it was.

    Raises:
        BackupError: it is not.

    """
    try:
        said: dict[str, Any] = json.loads((dumps / MANIFEST).read_text("utf-8"))
        found = Backup(dumps, keys, datetime.fromisoformat(said["taken"]), dict(said["files"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{dumps} holds no whole backup: {error}") from error
    for name, was in found.files.items():
        file = dumps / name
        if file.parent != dumps or not file.is_file() or digest(file) != was:
            raise BackupError(f"{file} is not what was backed up.")
    if not (keys / "ledger.pem").is_file():
        raise BackupError(f"{keys} holds no keys: give the folder that was made with this backup.")
    return found


def digest(file: Path) -> str:
    whole = hashlib.sha256()
    for piece in _pieces(file):
        whole.update(piece)
    return whole.hexdigest()


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as reading:
        while piece := reading.read(1 << 20):
            yield piece


def _closed(file: Path) -> Path:
    file.touch(mode=0o600)
    return file


def _databases(server: str) -> list[str]:
    listed = tool("psql", server, "--tuples-only", "--no-align", "--command", _DATABASES)
    return sorted(listed.split())
