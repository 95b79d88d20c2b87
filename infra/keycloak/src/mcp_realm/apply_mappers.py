"""Mappers of a scope or a client: those wanted are put; others there are somebody else's."""

from collections.abc import Callable
from typing import Any

from mcp_realm.compare import Change


def put(
    change: Change,
    *,
    add: Callable[[dict[str, Any]], object],
    update: Callable[[str, dict[str, Any]], object],
) -> None:
    have = {mapper["name"]: mapper for mapper in change.found.get("protocolMappers") or []}
    for mapper in change.wanted.get("protocolMappers") or []:
        name = mapper["name"]
        if not change.touches(f"mapper {name}."):
            continue
        if name not in have:
            add({**mapper})
            continue
        config = have[name].get("config", {}) | mapper["config"]
        update(have[name]["id"], {**have[name], **mapper, "config": config})
