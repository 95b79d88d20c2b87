"""From aside into the repository, and out of it again: folders are moved, never deleted.

The line in gateway.yaml is written last, and in one step: listing a server is what exposes it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mcp_playbook.new_server import listing
from mcp_playbook.new_server.names import RefusedError
from mcp_playbook.new_server.room import Room
from mcp_playbook.new_server.standing import Spots


def put(room: Room, spots: Spots) -> None:
    text = listing.added(spots.listing.read_text("utf-8"), spots.made.name)
    for source, target in ((room.tests, spots.tests), (room.server, spots.server)):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
    _write(spots.listing, text)


def take_out(spots: Spots, removed: Path) -> Path:
    """Undo `put`: the folders go under `removed`, from where they can be taken back.

    Raises:
        RefusedError: there is nothing, or git has it already.

    """
    name = spots.made.name
    folders = [path for path in (spots.server, spots.tests) if path.exists()]
    text = spots.listing.read_text("utf-8")
    without = listing.removed(text, name)
    if not folders and without == text:
        raise RefusedError(f"There is no {name} to remove.")
    if _committed(spots.root, folders):
        shown = " ".join(spots.shown(path) for path in folders)
        raise RefusedError(
            f"{name} is committed, so git remembers it: take its line out of "
            f"gateway/gateway.yaml and run\n  git rm -r {shown}"
        )
    _write(spots.listing, without)
    to = removed / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for path in folders:
        target = to / path.relative_to(spots.root)
        target.parent.mkdir(parents=True)
        shutil.move(path, target)
    return to


def install(spots: Spots) -> bool:
    """Into .venv, as `make` would with the next command. False when this Python is another one."""
    return _uv(
        spots.root, "install", "--no-build-isolation", "--no-deps", "-e", str(spots.server)
    )  # fmt: skip


def uninstall(spots: Spots) -> bool:
    return _uv(spots.root, "uninstall", f"mcp-{spots.made.name}")


def _uv(root: Path, *words: str) -> bool:
    venv = root / ".venv"
    if Path(sys.prefix).resolve() != venv.resolve():
        return False
    env: Mapping[str, str] = {**os.environ, "VIRTUAL_ENV": str(venv.resolve())}
    uv = str(venv / "bin" / "uv")
    return (
        subprocess.run([uv, "pip", words[0], "-q", *words[1:]], env=env, check=False).returncode
        == 0
    )


def _committed(root: Path, folders: list[Path]) -> bool:
    done = subprocess.run(
        ["git", "ls-files", "--", *map(str, folders)], cwd=root, check=False, capture_output=True
    )  # fmt: skip
    return bool(folders) and bool(done.stdout.strip())


def _write(file: Path, text: str) -> None:
    """Whole or not at all, whatever happens meanwhile."""
    aside = file.with_name(f".{file.name}.new")
    aside.write_text(text, "utf-8")
    shutil.copymode(file, aside)
    aside.replace(file)
