"""Tool descriptions against the contract: rules D1 to D10 over any server's tools/list, offline."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcp_playbook.lint.cost import tokens
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.report import Report, ToolReport
from mcp_playbook.lint.rules import (
    collision,
    edge_cases,
    hints,
    length,
    parameters,
    purpose,
    returns,
    safety,
    staleness,
    when,
)
from mcp_playbook.lint.server import Record, Server

CHECKS = (
    purpose.check, parameters.check, returns.check, edge_cases.check, when.check, hints.check,
    length.check, collision.check, safety.check, staleness.check,
)  # fmt: skip


def lint(
    tools: Sequence[Mapping[str, Any]],
    *,
    name: str,
    neighbours: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    record: Record | None = None,
    about: Mapping[str, Any] | None = None,
) -> Report:
    """Judge a server's tools, in the form tools/list has them.

    `neighbours`: tools of other servers, for names that are theirs and for twins across servers.
    `record`: the hashes of words and schemas that were last accepted (D10 is silent without).
    `about`: the server's title, instructions and prompts, which models read as well (D9).
    """
    server = Server(name, tools, neighbours or {}, record or {})
    found = {}
    for tool in server.tools.values():
        findings = tuple(one for check in CHECKS for one in check(tool, server))
        found[tool.name] = ToolReport(tool.name, tool.words, tokens(tool.wire), findings)
    return Report(name, found, tuple(_about(about or {}, server)))


def _about(about: Mapping[str, Any], server: Server) -> Iterator[Finding]:
    said = {key: about.get(key) for key in ("title", "instructions")}
    yield from safety.of(said, "(server)", server)
    for prompt in about.get("prompts") or ():
        if isinstance(prompt, Mapping):
            yield from safety.of(prompt, f"prompt {prompt.get('name')}", server)
