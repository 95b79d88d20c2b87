"""What the image of one room holds: the room, the rooms it stands on, and their locked packages.

Names come from the rooms' own pyproject.toml, versions and hashes from requirements.lock; what no
room of the image asks for, development tools above all, cannot enter.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ENTRY = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


class ClosureError(Exception):
    """A room or a package that the repository does not know; the text says which."""


def canonical(name: str) -> str:
    """As the packaging standards compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def workspace(root: Path) -> dict[str, Path]:
    """Every room of the workspace, by the name of its distribution."""
    members = _read(root / "pyproject.toml")["tool"]["uv"]["workspace"]["members"]
    folders = sorted({folder for glob in members for folder in root.glob(glob)})
    files = [folder / "pyproject.toml" for folder in folders]
    return {
        canonical(_read(file)["project"]["name"]): file.parent for file in files if file.is_file()
    }


def rooms(root: Path, room: Path) -> list[Path]:
    """The room and, before it, every room of the workspace it depends on."""
    known = workspace(root)
    if room not in known.values():
        here = ", ".join(folder.relative_to(root).as_posix() for folder in known.values())
        raise ClosureError(f"{room} is no room of the workspace; there are {here}")
    found: list[Path] = []

    def add(folder: Path) -> None:
        for name in map(_name, _dependencies(folder)):
            if name in known and known[name] not in found:
                add(known[name])
        if folder not in found:
            found.append(folder)

    add(room)
    return found


def requirements(root: Path, folders: Iterable[Path]) -> list[str]:
    """What these rooms ask of the package index. Rooms are never looked for there."""
    ours = workspace(root)
    return sorted(
        {asked for folder in folders for asked in _dependencies(folder) if _name(asked) not in ours}
    )


def entries(lock: str) -> dict[str, list[str]]:
    """The lock by name: each entry whole, with its marker and its hashes."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        if match := ENTRY.match(entry):
            found.setdefault(canonical(match[1]), []).append(entry)
    return found


def locked(lock: str, resolved: str) -> str:
    """The entries of the lock for what a resolution named, and nothing else.

    Raises:
        ClosureError: a package or version that the lock does not have, or has without a hash.

    """
    known = entries(lock)
    chosen = []
    for name, version in versions(resolved).items():
        found = [e for e in known.get(name, []) if _version(e) == version]
        if not found:
            raise ClosureError(f"{name}=={version} is not in requirements.lock")
        if any("--hash=" not in entry for entry in found):
            raise ClosureError(f"{name}=={version} has no hash in requirements.lock")
        chosen += found
    return "\n".join(chosen) + "\n"


def versions(resolved: str) -> dict[str, str]:
    """Name → version of a list of pins."""
    found = (ENTRY.match(line.strip()) for line in resolved.splitlines())
    return {canonical(match[1]): match[2] for match in found if match}


def _version(entry: str) -> str:
    match = ENTRY.match(entry)
    return match[2] if match else ""


def _dependencies(folder: Path) -> list[str]:
    listed: list[str] = _read(folder / "pyproject.toml")["project"].get("dependencies", [])
    return listed


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    if match is None:
        raise ClosureError(f"{requirement!r} is no requirement")
    return canonical(match[0])


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ClosureError(f"{file}: {error}") from error
