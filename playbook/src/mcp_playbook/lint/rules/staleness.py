"""D10: a schema that has changed since its words were last accepted, while the words have not.

Pure: no clock, no network, no state.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import WEIGHTS, Finding
from mcp_playbook.lint.server import Server

_SCHEMAS = ("inputSchema", "outputSchema")


def check(tool: Definition, server: Server) -> Iterator[Finding]:
    accepted = server.record.get(tool.name)
    if accepted is None:
        return
    now = hashes(tool.wire)
    command = f".venv/bin/python -m mcp_playbook.lint {server.name} --accept"
    if now["words"] == accepted["words"] and now["schema"] != accepted["schema"]:
        yield Finding(
            "D10", tool.name, "has another schema than when its words were accepted",
            f"Say what has changed; if the words still hold: {command}",
            WEIGHTS["D10"],
        )  # fmt: skip
    elif now != accepted:
        yield Finding(
            "D10", tool.name, "has other words than the accepted ones",
            f"Read them once more, then: {command}", WEIGHTS["D10"] / 5,
        )  # fmt: skip


def hashes(wire: Mapping[str, Any]) -> dict[str, str]:
    """Of everything said, and of everything that binds; the descriptions in a schema are words."""
    said: list[str] = [str(wire.get("title") or ""), str(wire.get("description") or "")]
    shape = [_bare(wire.get(name), said) for name in _SCHEMAS]
    return {"words": _digest(said), "schema": _digest([*shape, wire.get("annotations")])}


def _bare(schema: Any, said: list[str], *, names: bool = False) -> Any:
    """The schema without its descriptions, which are added to `said`."""
    if isinstance(schema, Mapping):
        kept = {}
        for key in sorted(schema):
            if key == "description" and not names and isinstance(schema[key], str):
                said.append(schema[key])
            else:
                below = key in {"properties", "$defs"} and not names
                kept[key] = _bare(schema[key], said, names=below)
        return kept
    if isinstance(schema, list):
        return [_bare(one, said) for one in schema]
    return schema


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
