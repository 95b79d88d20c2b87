"""Definitions without their texts: names, hashes and our own findings, where a licence is in doubt.

The audit comes out the same; what the server's authors wrote is not copied.
"""

from dataclasses import replace
from typing import Any

from mcp_playbook.lint import lint
from mcp_playbook.vet.hiding import concealed
from mcp_playbook.vet.record import Record
from mcp_shared.contract import definition_hash


def unquoted(record: Record) -> Record:
    source = record.get("tools")
    if source is None:
        return record
    servers = [_reduced(server) for server in source.data["servers"]]
    told = replace(source, data={**source.data, "servers": servers})
    return replace(record, sources={**record.sources, "tools": told})


def _reduced(server: dict[str, Any]) -> dict[str, Any]:
    if "lint_score" in server:
        return server
    tools, name = server["tools"], str(server["name"])
    return {
        "name": name,
        "lint_score": round(float(lint(tools, name=name).score), 1),
        "hidden": list(concealed(server)),
        "tools": [{"name": one.get("name"), "hash": definition_hash(one)} for one in tools],
    }
