"""Whether its own people have given it up: archived, deprecated, quarantined, yanked or deleted.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator

from mcp_playbook.vet.record import Record, Source
from mcp_playbook.vet.rubric import Exclusion
from mcp_playbook.vet.steps import ASK_FORGE

NAME = "archived or deprecated"
GIVEN_UP = frozenset({"archived", "deprecated", "deleted", "quarantined", "disabled"})


def exclusion(record: Record) -> Exclusion:
    said = list(_said(record))
    if gone := [(text, source) for text, gone, source in said if gone]:
        value = "; ".join(text for text, _ in gone)
        return Exclusion(NAME, "found", value, gone[0][1].source, gone[0][1].fetched)
    if said:
        value = "; ".join(text for text, _, _ in said)
        return Exclusion(NAME, "clear", value, said[0][2].source, said[0][2].fetched)
    why = record.why("registry", "no index that was asked says either way")
    return Exclusion(NAME, "unknown", why, next=ASK_FORGE)


def _said(record: Record) -> Iterator[tuple[str, bool, Source]]:
    """Each place that knows: what it says, whether that means given up."""
    if registry := record.get("registry"):
        data = registry.data
        if data["deprecated"]:
            yield f"the index says deprecated: {data['deprecated']}", True, registry
        if data["status"]:
            yield f"the index says {data['status']}", data["status"] in GIVEN_UP, registry
        if any(one["yanked"] for one in data["releases"] if one["version"] == data["version"]):
            yield f"{data['version']} was yanked", True, registry
    if listed := record.get("mcp-registry"):
        status = str(listed.data["status"])
        yield f"the MCP registry says {status}", status in GIVEN_UP, listed
    if forge := record.get("repository"):
        for flag in ("archived", "disabled"):
            if forge.data.get(flag):
                yield f"the repository is {flag}", True, forge
        if not forge.data.get("archived"):
            yield "the repository is not archived", False, forge
