"""The vendor's definitions as somebody read and pinned them, and what has changed since.

A call goes out only while the vendor describes its tool as it did then. The vendor's words reach no
model either way; a change of them is a change of what the tool does, told early.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcp_types import Tool

from mcp_shared.contract import definition_hash

FILE = "vendor.lock.json"
PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
Era = Literal["legacy", "2026-07-28"]


def definition(tool: Tool) -> dict[str, Any]:
    """What is pinned of it. Its `_meta` and icons may differ from answer to answer."""
    wire = tool.model_dump(by_alias=True, exclude_none=True, mode="json")
    return {key: wire[key] for key in PINNED if key in wire}


@dataclass(frozen=True)
class Pins:
    era: Era  # which way of speaking was agreed on when they were read
    tools: Mapping[str, Mapping[str, Any]]

    def missing_or_changed(self, name: str, listed: Iterable[Tool]) -> str | None:
        """`drift_gone`, `drift_changed`, or None while it is as it was."""
        found = [definition(tool) for tool in listed if tool.name == name]
        if len(found) != 1:  # two of one name: which would answer?
            return "drift_gone"
        same = definition_hash(found[0]) == self.tools[name]["hash"]
        return None if same else "drift_changed"


def read(file: Path) -> Pins:
    said = json.loads(file.read_text("utf-8"))
    return Pins(era=said["era"], tools={one["name"]: one for one in said["tools"]})


def written(era: Era, server: str, tools: Sequence[Tool]) -> str:
    """The lock file's text, reviewed like code."""
    pinned = [definition(tool) for tool in tools]
    document = {
        "era": era,
        "server": server,
        "tools": [{**one, "hash": definition_hash(one)} for one in pinned],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
