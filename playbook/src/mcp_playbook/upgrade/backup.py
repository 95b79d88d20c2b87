"""A copy of every database of the stack, made by pg_dump; the keys that are not in it, by name.

The keys are never copied: whoever holds a copy of the ledger and its key can forge records. Valkey
is left out; it holds counts of the last minutes alone.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from mcp_local.fill import Filler, databases, with_database
from mcp_local.place import Place
from mcp_local.postgres_home import binaries

MANIFEST = "backup.json"
ROLES = "roles.sql"
SECONDS = 3600  # for one database


class BackupError(RuntimeError):
    """A backup could not be made or is not whole; the message names the file."""


@dataclass(frozen=True)
class Backup:
    folder: Path
    files: Mapping[str, str]  # database → SHA-256 of its dump
    made: str = ""  # when it was begun

    def dump(self, database: str) -> Path:
        return self.folder / f"{database}.dump"

    @property
    def size(self) -> int:
        return sum(self.dump(name).stat().st_size for name in self.files)


def folder_of(here: Place) -> Path:
    """Where the next one goes; a date and a time, so that none replaces another."""
    return here.run / "backups" / datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")


def keys_of(here: Place) -> list[Path]:
    """What must be kept apart from the backup; without it nobody can go on from there."""
    if not here.secrets.is_dir():
        return []
    return sorted(file for file in here.secrets.iterdir() if not file.name.startswith("."))


async def names(filler: Filler) -> list[str]:
    """The databases that the parts of this stack name and that exist."""
    wanted = {name for part in filler.plan.parts for name in databases(part)}
    connection = await asyncpg.connect(filler.postgres, timeout=10)
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database WHERE NOT datistemplate")
    finally:
        await connection.close()
    return sorted(wanted & {row["datname"] for row in rows})


def make(filler: Filler, found: list[str], folder: Path, commit: str) -> Backup:
    """Dump every database into `folder`, which appears only when it is whole."""
    aside = folder.with_name(f".{folder.name}-new")
    aside.mkdir(parents=True, mode=0o700)
    try:
        made = _dumped(filler, found, aside, commit)
    except BackupError:
        shutil.rmtree(aside)
        raise
    aside.rename(folder)
    return Backup(folder, made.files, made.made)


def _dumped(filler: Filler, found: list[str], aside: Path, commit: str) -> Backup:
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    made = Backup(aside, {})
    for name in found:
        tool("pg_dump", with_database(filler.postgres, name),
             "--format=custom", "--file", str(made.dump(name)))  # fmt: skip
    # the passwords are set anew by the migrations, from .run/secrets
    tool("pg_dumpall", filler.postgres, "--roles-only", "--no-role-passwords",
         "--file", str(aside / ROLES))  # fmt: skip
    made = Backup(aside, {name: _digest(made.dump(name)) for name in found}, begun)
    content = {
        "made": begun,
        "commit": commit,
        "databases": dict(made.files),
        "keys to keep apart": [str(key) for key in keys_of(filler.place)],
    }
    (aside / MANIFEST).write_text(json.dumps(content, indent=2) + "\n")
    return made


def read(folder: Path) -> Backup:
    """A backup, checked against its own list.

    Raises:
        BackupError: a dump is missing or is not what was written.

    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        files = {str(name): str(digest) for name, digest in manifest["databases"].items()}
        found = Backup(folder, files, str(manifest["made"]))
        wrong = [
            name for name, digest in found.files.items() if _digest(found.dump(name)) != digest
        ]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise BackupError(f"{folder} is not a backup that this command made: {error}") from error
    if wrong:
        raise BackupError(
            f"{folder}: {', '.join(wrong)} is not as it was written; use another one."
        )
    return found


def tool(name: str, url: str, *words: str) -> None:
    """One of PostgreSQL's own commands; its password is in no command line."""
    parts = urlsplit(url)
    address = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@"))
    env = {**os.environ, "PGPASSWORD": unquote(parts.password or "")}
    try:
        done = subprocess.run(
            [str(binaries() / name), "--no-password", "--dbname", address.geturl(), *words],
            env=env, check=False, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackupError(f"{name} could not be run: {error}") from error
    if done.returncode != 0:
        raise BackupError(f"{name} failed: {done.stderr.strip()[-2000:]}")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
