"""Whether a model can tell its tools apart: the description lint, on the list the server gives."""

from collections.abc import Mapping
from typing import Any

from mcp_playbook.lint import lint
from mcp_playbook.vet.record import Record
from mcp_playbook.vet.rubric import MAXIMA, Part, Signal, known, unknown
from mcp_playbook.vet.steps import LIST_TOOLS

NAME = "descriptions"


def signal(record: Record) -> Signal:
    return Signal(NAME, (_part(record),))


def _part(record: Record) -> Part:
    maximum = MAXIMA[NAME]
    source = record.get("tools")
    if source is None:
        why = record.why("tools", "its tools/list was not taken")
        return unknown(NAME, maximum, why, do=LIST_TOOLS)
    servers = source.data["servers"]
    if not any(server["tools"] for server in servers):
        return unknown(NAME, maximum, "the list is empty", do=LIST_TOOLS)
    scores = {str(server["name"]): _score(server) for server in servers}
    lowest, score = min(scores.items(), key=lambda one: one[1])
    count = sum(len(server["tools"]) for server in servers)
    value = f"lint {score:.0f} of 100 over {count} tools"
    if len(servers) > 1:
        value += f" of {len(servers)} servers; {lowest} is the lowest"
    return known(NAME, maximum, maximum * score / 100, value, source)


def _score(server: Mapping[str, Any]) -> float:
    if "lint_score" in server:  # a record that holds no texts of others
        return float(server["lint_score"])
    return float(lint(server["tools"], name=str(server["name"])).score)
