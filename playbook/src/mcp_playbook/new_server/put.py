"""From aside into the repository, and out of it again: folders are moved, never deleted.

The line in gateway.yaml is written last and taken out first, and in one step: listing a server is
what exposes it. Whatever stops a run before, the server is not listed and REMOVE=1 undoes the rest.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mcp_playbook.new_server import listing
from mcp_playbook.new_server.kinds import Kind
from mcp_playbook.new_server.names import RefusedError
from mcp_playbook.new_server.places import aws, every
from mcp_playbook.new_server.room import Room
from mcp_playbook.new_server.standing import Spots


def put(room: Room, spots: Spots, kind: Kind) -> tuple[list[Path], list[str]]:
    """The files that were changed, and what is left to a person."""
    text = listing.added(spots.listing.read_text("utf-8"), spots.made.name)
    texts, by_hand = every.added(spots.root, spots.made, kind)
    for source, target in ((room.tests, spots.tests), (room.server, spots.server)):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
    for file, changed in texts.items():
        _write(file, changed)
    _write(spots.listing, text)
    return [*texts, spots.listing], by_hand


def take_out(spots: Spots, removed: Path) -> Path:
    """Undo `put`: the folders go under `removed`, from where they can be taken back.

    Raises:
        RefusedError: there is nothing, or git has it already.

    """
    name = spots.made.name
    folders = [path for path in (spots.server, spots.tests) if path.exists()]
    text = spots.listing.read_text("utf-8")
    without = listing.removed(text, name)
    others = dict(every.removed(spots.root, spots.made))
    if not folders and without == text and not others:
        raise RefusedError(f"There is no {name} to remove.")
    _write(spots.listing, without)
    for file, changed in others.items():
        _write(file, changed)
    (spots.root / aws.unit_file(spots.made)).unlink(missing_ok=True)
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


def _write(file: Path, text: str) -> None:
    """Whole or not at all, whatever happens meanwhile."""
    aside = file.with_name(f".{file.name}.new")
    aside.write_text(text, "utf-8")
    if file.exists():
        shutil.copymode(file, aside)
    aside.replace(file)
