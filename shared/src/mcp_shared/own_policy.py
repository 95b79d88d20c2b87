"""A server's own policy.yaml, read where the server runs: masks by tool, and reach by role.

The file lies in the server's folder, or inside its wheel. It is looked at again when it changed; a
version that is broken leaves the last sound one in force, and a server does not start with one.
"""

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from mcp_shared.masking import Mask, MaskError, compiled

log = logging.getLogger(__name__)

Outputs = Mapping[str, Mapping[str, Any] | None]  # by tool, its output schema
_Stamp = tuple[int, int, int]


def beside(module: ModuleType) -> Path | None:
    """The policy of the package a module belongs to, wherever that is installed, or MCP_POLICY.

    Raises:
        MaskError: MCP_POLICY names no file.

    """
    if named := os.environ.get("MCP_POLICY"):
        if not Path(named).is_file():
            raise MaskError("MCP_POLICY: there is no such file")
        return Path(named)
    package = sys.modules.get(module.__name__.partition(".")[0])
    if package is None or not getattr(package, "__file__", None):
        return None
    folder = Path(str(package.__file__)).parent
    places = [folder / "policy.yaml"]
    if folder.parent.name == "src":
        places.append(folder.parent.parent / "policy.yaml")
    return next((place for place in places if place.is_file()), None)


class OwnPolicy:
    """What a server needs of its policy; without a file nothing is masked and nobody has reach.

    `outputs` are needed for masks; who asks for the reach alone leaves them out.
    """

    def __init__(self, path: Path | None, outputs: Outputs | None = None) -> None:
        self.path = path
        self._outputs = outputs
        self._stamp: _Stamp | None = None
        self._masks: Mapping[str, tuple[Mask, ...]] = {}
        self._records: Mapping[str, str] = {}
        if path is not None:
            self._stamp = _stamp(path)
            self._read(path)

    def hidden(self, tool: str, roles: frozenset[str]) -> Sequence[Mask]:
        """The masks of a tool that hold for a person of these roles."""
        self._look_again()
        return [mask for mask in self._masks.get(tool, ()) if mask.hides_from(roles)]

    def records(self, roles: frozenset[str]) -> frozenset[str]:
        """How far each of these roles reaches (`all`, `team`, `own`); empty is nothing at all."""
        self._look_again()
        return frozenset(reach for role, reach in self._records.items() if role in roles)

    def _look_again(self) -> None:
        if self.path is None:
            return
        stamp = _stamp(self.path)
        if stamp is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._read(self.path)
        except MaskError as error:
            log.error("policy broken, the old one stays", extra={"error": str(error)})
        else:
            log.info("policy read again")

    def _read(self, path: Path) -> None:
        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise MaskError(f"{path}: {type(error).__name__}") from error
        if not isinstance(document, dict):
            raise MaskError(f"{path}: not a policy")
        lines, records = document.get("tools", {}), document.get("records", {})
        if not isinstance(lines, dict) or not isinstance(records, dict):
            raise MaskError(f"{path}: tools and records are mappings")
        masks = {}
        for tool, line in lines.items():
            wanted = line.get("mask") if isinstance(line, dict) else None
            if not wanted or self._outputs is None:
                continue
            if not isinstance(wanted, dict):
                raise MaskError(f"{path}: tools.{tool}.mask is a mapping of paths to roles")
            try:
                masks[str(tool)] = compiled(wanted, self._outputs.get(str(tool)))
            except MaskError as error:
                raise MaskError(f"{path}: tools.{tool}.mask: {error}") from None
        self._masks = masks
        self._records = {str(role): str(reach) for role, reach in records.items()}


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
