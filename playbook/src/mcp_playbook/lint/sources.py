"""Where tools to judge come from: the lock files of the listed servers, or a file of tools/list."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_gateway.configuration import settings
from mcp_gateway.configuration.settings import ConfigError
from mcp_playbook.lint.rules.staleness import hashes
from mcp_playbook.lint.server import Record

LOCK = "tools.lock.json"
ACCEPTED = "descriptions.lock.json"  # hashes of words and schemas, as last accepted (D10)

Tools = Sequence[Mapping[str, Any]]


class SourceError(ValueError):
    """There is nothing to judge; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    folder: Path
    tools: Tools
    record: Record
    about: Mapping[str, Any] = field(default_factory=dict)  # title, instructions, prompts


def listed(root: Path, *, with_server: str | None = None) -> dict[str, Path]:
    """The folders of the servers in gateway.yaml, in its order.

    Raises:
        SourceError: gateway.yaml cannot be read, or lists no server of this name.

    """
    file = root / "gateway" / "gateway.yaml"
    try:
        found = {one.name: one.folder for one in settings.servers(settings.load(file), file)}
    except ConfigError as error:
        raise SourceError(str(error)) from error
    if with_server is not None and with_server not in found:
        raise SourceError(f"gateway.yaml lists no {with_server!r}, but {', '.join(found)}")
    return found


def of_folder(folder: Path) -> Source:
    """A server by its folder: what its lock file pins, and what was accepted of it.

    Raises:
        SourceError: the lock file is missing or none.

    """
    accepted = folder / ACCEPTED
    record = _json(accepted) if accepted.is_file() else {}
    pinned = _json(folder / LOCK)
    tools = tools_in(pinned, folder / LOCK)
    about = pinned if isinstance(pinned, dict) else {}
    return Source(folder.name, folder, tools, record, about)


def of_file(file: Path) -> Tools:
    """An answer to tools/list, its result, or a bare list of tools.

    Raises:
        SourceError: the file holds none of these.

    """
    return tools_in(_json(file), file)


def tools_in(document: Any, file: Path) -> Tools:
    """The tools of an answer to tools/list, of its result, or of a bare list.

    Raises:
        SourceError: it is none of these; `file` is where it came from.

    """
    for step in ("result", "tools"):
        if isinstance(document, dict) and step in document:
            document = document[step]
    if not isinstance(document, list) or not all(
        isinstance(tool, dict) and isinstance(tool.get("name"), str) for tool in document
    ):
        raise SourceError(f"{file}: no list of tools, each with a name")
    return document


def accept(source: Source) -> Path:
    """Write down the words and schemas as they are now."""
    file = source.folder / ACCEPTED
    found = {str(tool["name"]): hashes(tool) for tool in source.tools}
    file.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", "utf-8")
    return file


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{file}: {error}") from error
