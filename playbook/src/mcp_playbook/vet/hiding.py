"""Text in a definition that a reviewer does not see, or that speaks to the model behind their back.

Pure: no clock, no network, no state. Reads everything the server sent, not descriptions alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mcp_playbook.vet.record import Record
from mcp_playbook.vet.rubric import Exclusion
from mcp_playbook.vet.steps import LIST_TOOLS
from mcp_shared.contract import hidden
from mcp_shared.poison import ORDERS, texts

NAME = "hidden text in definitions"
# of the orders that lint rule D9 knows, those that no honest description needs
_BEHIND = tuple(
    re.compile(ORDERS[what], re.IGNORECASE)
    for what in ("keeps something from the person", "is marked up as if by the host")
)


def exclusion(record: Record) -> Exclusion:
    source = record.get("tools")
    if source is None:
        why = record.why("tools", "its tools/list was not taken")
        return Exclusion(NAME, "unknown", why, next=LIST_TOOLS)
    found = [line for server in source.data["servers"] for line in _of(server)]
    if found:
        value = "; ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        return Exclusion(NAME, "found", value, source.source, source.fetched)
    return Exclusion(
        NAME, "clear", "every text of the list was read", source.source, source.fetched
    )


def _of(server: Mapping[str, Any]) -> list[str]:
    if "hidden" in server:  # a record that holds no texts of others
        return [str(line) for line in server["hidden"]]
    return list(concealed(server))


def concealed(server: Mapping[str, Any]) -> Iterator[str]:
    """Each place with such a text, and what it is."""
    for where, text in texts(server):
        if codes := hidden(text):
            yield f"{where} has invisible characters: {', '.join(codes[:5])}"
        for pattern in _BEHIND:
            if match := pattern.search(text):
                yield f"{where}: {' '.join(match[0].split())[:60]!r}"
