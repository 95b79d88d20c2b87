"""Whether a server's code still serves what its lock file pins; lint and selection read the lock.

Code that is newer than the lock is asked with --definitions: nothing has to run for that, and no
secret is needed.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mcp_local.fill import PLACEHOLDER
from mcp_local.stack_toml import StackTomlError, read_part
from mcp_playbook.lint.sources import LOCK, SourceError, of_folder, tools_in
from mcp_shared.contract import definition_hash

SECONDS = 60


@dataclass(frozen=True, slots=True)
class Compared:
    """A server's lock beside its code: tools that differ, or why the code could not be asked."""

    server: str
    lock: Path
    changed: Sequence[str] = ()
    trouble: str = ""


class SilentError(Exception):
    """The code said nothing that could be compared."""


def compare(root: Path, folders: Mapping[str, Path]) -> list[Compared]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda one: _one(root, *one), folders.items()))


def told(root: Path, compared: Sequence[Compared]) -> Iterator[str]:
    """A line for each server whose lock is not, or may not be, what its code serves."""
    for one in compared:
        lock = one.lock.relative_to(root) if one.lock.is_relative_to(root) else one.lock
        if one.changed:
            yield (
                f"{one.server}: its code serves {', '.join(one.changed)} otherwise than {lock}, "
                "which is what was read: make tools-lock first"
            )
        elif one.trouble:
            written = datetime.fromtimestamp(one.lock.stat().st_mtime).astimezone()
            yield (
                f"{one.server}: read from {lock} of {written:%Y-%m-%d %H:%M}, which could not be "
                f"compared with its code: {one.trouble}"
            )


def _one(root: Path, server: str, folder: Path) -> Compared:
    lock = folder / LOCK
    pinned = {str(tool["name"]): definition_hash(tool) for tool in of_folder(folder).tools}
    if not _newer(root, folder, lock):
        return Compared(server, lock)
    try:
        served = _served(root, server, folder)
    except SilentError as error:
        return Compared(server, lock, trouble=str(error))
    names = [*pinned, *(name for name in served if name not in pinned)]
    return Compared(server, lock, [name for name in names if served.get(name) != pinned.get(name)])


def _newer(root: Path, folder: Path, lock: Path) -> bool:
    """Whether anything a definition is made of was written after the lock."""
    written = lock.stat().st_mtime_ns
    files = [root / "requirements.lock", *folder.rglob("*.py"), *root.glob("shared/src/**/*.py")]
    return any(file.stat().st_mtime_ns > written for file in files if file.is_file())


def _served(root: Path, server: str, folder: Path) -> dict[str, str]:
    try:
        tools = tools_in(document(root, server, folder), folder)
    except SourceError as error:
        raise SilentError(str(error)) from error
    return {str(tool["name"]): definition_hash(tool) for tool in tools}


def document(root: Path, server: str, folder: Path) -> dict[str, Any]:
    """What the code says of itself, as a lock file has it.

    Raises:
        SilentError: it could not be asked, or said something else.

    """
    words = [*_command(root, server, folder), "--definitions"]
    try:
        done = subprocess.run(
            words, cwd=root, check=False, capture_output=True, text=True, timeout=SECONDS
        )
        if done.returncode != 0:
            raise SilentError(([*done.stderr.strip().splitlines()] or ["it printed nothing"])[-1])
        found = json.loads(done.stdout)
        tools_in(found, folder)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise SilentError(str(error)) from error
    return found if isinstance(found, dict) else {"tools": found}


def _command(root: Path, server: str, folder: Path) -> list[str]:
    """As its stack.toml starts it, as long as that needs no address and no secret of a stack."""
    known = {"python": sys.executable, "root": str(root), "folder": str(folder), "name": server}

    def filled(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise SilentError(f"its command needs {found[0]}")
        return known[found[1]]

    file = folder / "stack.toml"
    if not file.is_file():
        raise SilentError("it has no stack.toml")
    try:
        process = read_part(file).process
    except StackTomlError as error:
        raise SilentError(str(error)) from error
    if process is None:
        raise SilentError("its stack.toml has no command")
    return [PLACEHOLDER.sub(filled, word) for word in process.command]
