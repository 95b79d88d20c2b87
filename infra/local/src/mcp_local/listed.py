"""Which servers gateway.yaml lists. Listing one is the act of exposing it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mcp_local.stack_toml import StackTomlError


@dataclass(frozen=True)
class Listed:
    name: str
    folder: Path


def listed_servers(root: Path) -> tuple[Listed, ...]:
    file = root / "gateway" / "gateway.yaml"
    if not file.is_file():
        raise StackTomlError(f"{file} is missing; its `servers:` list says what to run.")
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise StackTomlError(f"{file}: {error}") from error
    entries = content.get("servers") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise StackTomlError(f"{file}: `servers:` must list at least one server.")
    found = tuple(_listed(root, file, entry) for entry in entries)
    names = [server.name for server in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise StackTomlError(f"{file}: listed twice: {', '.join(sorted(twice))}.")
    return found


def _listed(root: Path, file: Path, entry: Any) -> Listed:
    name: object = None
    if isinstance(entry, dict):
        name = entry.get("name")
        entry = entry.get("path", f"servers/{name}" if name else None)
    if not isinstance(entry, str) or not entry:
        raise StackTomlError(f"{file}: an entry of `servers:` is a name, a path, or has `path:`.")
    looks_like_path = "/" in entry or entry.startswith((".", "~"))
    path = Path(entry).expanduser() if looks_like_path else Path("servers", entry)
    folder = (root / path).resolve()
    if not folder.is_dir():
        raise StackTomlError(f"{file}: {entry!r} is listed, but {folder} does not exist.")
    return Listed(name=str(name or folder.name), folder=folder)
