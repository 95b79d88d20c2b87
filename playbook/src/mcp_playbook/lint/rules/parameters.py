"""D2: every argument says what it is and what binds it, has bounds, and contradicts nothing.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator

from mcp_playbook.lint.constraints import contradictions, unmentioned
from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.schema import Argument
from mcp_playbook.lint.server import Server
from mcp_shared.contract import unbounded

DESCRIBED = 16.0  # shared by all arguments
BOUNDED = 4.0  # one for each place
SHOWN = 3


def check(tool: Definition, server: Server) -> Iterator[Finding]:
    arguments = tool.arguments.values()
    for argument in arguments:
        share = DESCRIBED / len(arguments)
        if argument.description:
            yield from _told(tool, server, argument, share)
        elif _in_prose(argument.name, tool.text):
            yield Finding(
                "D2", tool.name, f"describes {argument.name} in the text only, not in the schema",
                f"Move it to inputSchema.properties.{argument.name}.description.", share / 2,
            )  # fmt: skip
        else:
            yield Finding(
                "D2", tool.name, f"does not describe {argument.name}",
                f"Say in inputSchema.properties.{argument.name}.description what it is, its form "
                "and its limits.", share,
            )  # fmt: skip
    if loose := list(unbounded(tool.input)):
        rest = f" and {len(loose) - SHOWN} more" if len(loose) > SHOWN else ""
        yield Finding(
            "D2", tool.name, f"takes {'; '.join(loose[:SHOWN])}{rest}",
            "Bind it in the schema, and refuse what exceeds it.", min(BOUNDED, len(loose)),
        )  # fmt: skip


def _told(tool: Definition, server: Server, argument: Argument, share: float) -> Iterator[Finding]:
    where = f"inputSchema.properties.{argument.name}.description"
    lacks = list(unmentioned(argument, tool.text))
    for what, instead in lacks:
        yield Finding(
            "D2", tool.name, f"{argument.name}: {what}", f"{instead} ({where})",
            share * 0.6 / len(lacks),
        )  # fmt: skip
    known = {*server.tools, *server.foreign, *tool.arguments, *tool.output_fields}
    for what, instead in contradictions(argument, known):
        yield Finding("D2", tool.name, f"{argument.name}: {what}", instead, share * 0.3)


def _in_prose(name: str, text: str) -> bool:
    """As docstrings do it: `name: what it is`, `name (str): ...`, `- name - ...`."""
    line = rf"^\s*(?:[-*]\s*)?[`*]*{re.escape(name)}[`*]*\s*(?:\([^)]*\))?\s*(?::|-|\u2013)\s*\S"
    return re.search(line, text, re.MULTILINE) is not None
