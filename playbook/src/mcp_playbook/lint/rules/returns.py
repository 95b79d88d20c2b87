"""D3: the text names the fields that the output schema has, and no others.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator

from mcp_playbook.lint.definition import Definition, identifiers
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.schema import top_fields
from mcp_playbook.lint.server import Server
from mcp_playbook.lint.words import plain

NO_SCHEMA = 6.0
NO_PART = 6.0
ONLY_PROSE = 2.0
UNNAMED = 5.0
UNKNOWN = 1.0
WRAPPER = {"result"}  # what SDKs put around an answer that is no object


def check(tool: Definition, server: Server) -> Iterator[Finding]:
    if tool.output is None:
        yield Finding(
            "D3", tool.name, "has no output schema",
            "Declare an outputSchema, so that a host can check an answer and a model can plan.",
            NO_SCHEMA,
        )  # fmt: skip
    if "Returns" not in tool.parts:
        yield Finding(
            "D3", tool.name, "does not say what comes back",
            "Add `Returns:` with the fields of the answer by name, and what is left out.", NO_PART,
        )  # fmt: skip
        return
    if not tool.parts["Returns"].named:
        yield Finding(
            "D3", tool.name, "says only in passing what comes back",
            "Give it a part of its own that begins with `Returns:`.", ONLY_PROSE,
        )  # fmt: skip
    if tool.output is not None:
        yield from _fields(tool, server)


def _fields(tool: Definition, server: Server) -> Iterator[Finding]:
    fields = set(top_fields(tool.output or {})) - set(tool.arguments)
    fields = set() if fields == WRAPPER else fields
    if missing := sorted(name for name in fields if not named(name, tool)):
        yield Finding(
            "D3", tool.name, f"does not name {', '.join(missing)} of its output schema",
            "Name each field in `Returns:` with what it means, or leave it out of the answer.",
            UNNAMED * len(missing) / len(fields),
        )  # fmt: skip
    known = {*tool.output_fields, *tool.arguments, *server.tools, *server.foreign}
    for name in sorted(identifiers(tool.part("Returns")) - known):
        yield Finding(
            "D3", tool.name, f"names `{name}`, which its output schema does not have",
            "Name the field as the output schema spells it.", UNKNOWN,
        )  # fmt: skip


def named(field: str, tool: Definition) -> bool:
    """As it is spelt anywhere, or in words among the returns."""
    if re.search(rf"\b{re.escape(field)}\b", tool.part("Returns")):
        return True
    return set(plain(field)) <= set(plain(tool.part("Returns")))
