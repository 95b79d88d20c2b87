"""A tool's earlier name, and until when it still answers: part of its definition, so reviewed.

Pure: no clock, no network, no state. Who asks says what day it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import Any, TypeVar

from pydantic import BaseModel

from mcp_shared import meta

Tool = TypeVar("Tool", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Renamed:
    """Written beside a tool as `RENAMED_FROM = Renamed("old_name", until=date(2027, 3, 31))`."""

    name: str
    until: date  # the last day

    def as_meta(self) -> dict[str, Any]:
        return {meta.RENAMED: {"name": self.name, "until": self.until.isoformat()}}

    def answers(self, today: date) -> bool:
        return today <= self.until


def declared(tool: Tool, module: ModuleType) -> Tool:
    """The tool with what its module says of its earlier name, if it says so."""
    renamed: Renamed | None = getattr(module, "RENAMED_FROM", None)
    return tool.model_copy(update={"meta": renamed.as_meta()}) if renamed else tool


def renamed_from(definition: Mapping[str, Any]) -> Renamed | None:
    """What a definition says of its earlier name; None when it says nothing that can be read."""
    told = definition.get("_meta")
    said = told.get(meta.RENAMED) if isinstance(told, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(said.get("name"), str) or not said["name"]:
        return None
    try:
        return Renamed(said["name"], date.fromisoformat(str(said.get("until"))))
    except ValueError:
        return None
