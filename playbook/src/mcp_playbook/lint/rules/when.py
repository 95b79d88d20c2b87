"""D5: the text says when to use the tool, when not, and which sibling to use then.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator

from mcp_playbook.lint.definition import Definition, snake_words
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.server import Server
from mcp_playbook.lint.verbs import VERBS

NO_PART = 6.0
ONLY_PROSE = 2.0
NO_SIBLING = 4.0
NO_SUCH_TOOL = 4.0
ONE_WAY = 2.0

# what stands in brackets or backticks and looks like a tool's name
_CANDIDATE = re.compile(r"[(`]([A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)+|[a-z]+[A-Z]\w*)[)`,]")
_FIELD_ENDS = {"id", "ids", "url", "uri", "key", "at", "on", "by", "name", "type", "count", "date"}
_WANTED = {
    "Use when": (
        "does not say when to use it",
        "Add `Use when:` with the question or the situation in the person's own words.",
    ),
    "Not for": (
        "does not say when not to use it",
        "Add `Not for:` with what people might take it for, and the tool that does that.",
    ),
}


def check(tool: Definition, server: Server) -> Iterator[Finding]:
    for part, (what, instead) in _WANTED.items():
        if part not in tool.parts:
            yield Finding("D5", tool.name, what, instead, NO_PART)
        elif not tool.parts[part].named:
            yield Finding(
                "D5", tool.name, f"has no part {part!r}, only prose that reads like it",
                f"Give it a part of its own that begins with `{part}:`.", ONLY_PROSE,
            )  # fmt: skip
    siblings = server.siblings(tool)
    told = named(tool, siblings)
    if siblings and not told:
        yield Finding(
            "D5", tool.name, "sends nobody to another tool of this server",
            f"Name in `Not for:` the one to use instead, of {', '.join(sorted(siblings)[:5])}.",
            NO_SIBLING,
        )  # fmt: skip
    for ghost in sorted(_ghosts(tool, server)):
        yield Finding(
            "D5", tool.name, f"names {ghost}, and there is no such tool",
            "Name a tool that tools/list has, or none.", NO_SUCH_TOOL,
        )  # fmt: skip
    if told and not any(tool.name in named(server.tools[one], {tool.name}) for one in told):
        yield Finding(
            "D5", tool.name, f"names {', '.join(sorted(told))}, none of which names it in turn",
            f"Let one of them say in its `Not for:` what {tool.name} is for.", ONE_WAY,
        )  # fmt: skip


def named(tool: Definition, names: frozenset[str] | set[str]) -> set[str]:
    """Which of these names the part `Not for` has."""
    text = tool.part("Not for")
    return {one for one in names if re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text)}


def _ghosts(tool: Definition, server: Server) -> set[str]:
    known = {*server.tools, *server.foreign, *tool.input_fields, *tool.output_fields}
    known |= {
        str(one) for argument in tool.arguments.values() for one in argument.binds.get("enum", ())
    }
    aside = snake_words(tool.part("Not for")) | set(_CANDIDATE.findall(tool.part("Not for")))
    anywhere = {one for one in snake_words(tool.text) if _sounds_like_a_tool(one)}
    return (aside | anywhere) - known


def _sounds_like_a_tool(word: str) -> bool:
    """Begins with a verb and does not end like a field: `list_deals`, not `check_run_id`."""
    first, *_, last = word.split("_")
    return first in VERBS and last not in _FIELD_ENDS
