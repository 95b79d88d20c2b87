"""D9: nothing a reviewer does not see, nothing that gives a model orders, no shouting.

Pure: no clock, no network, no state. What does not belong is known to mcp_shared.poison: the
gateway does not load a definition that has any of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.server import Server
from mcp_shared.contract import shouted
from mcp_shared.poison import Poison, poisons, shadows

HIDDEN = 100.0
ORDER = 40.0
SHOUTED = 4.0


def check(tool: Definition, server: Server) -> Iterator[Finding]:
    yield from of(tool.wire, tool.name, server)
    values = {str(v) for one in tool.arguments.values() for v in one.binds.get("enum", ())}
    for word in shouted(tool.text):
        if word not in values:
            yield Finding(
                "D9",
                tool.name,
                f"shouts {word!r}",
                "Write it in plain letters, as a fact.",
                SHOUTED,
            )


def of(wire: Mapping[str, Any], name: str, server: Server) -> Iterator[Finding]:
    """The same of a prompt, or of what a server says of itself."""
    for one in (*poisons(wire), *shadows(wire, server.foreign - set(server.tools))):
        points = HIDDEN if one.unseen else ORDER
        yield Finding("D9", name, str(one), _instead(one), points)


def _instead(one: Poison) -> str:
    if one.unseen:
        return "Remove it. Text from elsewhere is typed anew, not pasted; schemas are kept flat."
    if one.where == "name" and "plain letters" in one.what:
        return "Rename it: letters that look alike are not the same name."
    if "alphabets" in one.what:
        return "Write the word in one alphabet: letters that look alike are not."
    if "another server" in one.what:
        return "Say what this tool is for; what the other one is for is for its own text to say."
    return "Say what the tool does; what a model should do is for its operator to say."
