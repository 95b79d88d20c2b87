"""D4: the text says what happens when nothing is found, when much is found, and when it fails.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.schema import is_list, top_fields
from mcp_playbook.lint.server import Server

NO_PART = 5.0
ONLY_PROSE = 1.5
UNTOLD = 2.5

_NOTHING = re.compile(
    r"\b(?:empty|nothing|nobody|none|not[ _]?found|unknown|null|zero|no such"
    r"|no (?:\w+ )?(?:rows?|results?|match\w*|\w+ (?:match\w*|found|exists?))"
    r"|(?:does not|doesn't|do not|don't) (?:exist|match))\b",
    re.IGNORECASE,
)
_HOW_MUCH = re.compile(
    r"\b(?:up to|at most|maximum|limit\w*|more|truncat\w+|left out|next_\w+|next page|paginat\w+"
    r"|complete(?:ly)?|in full|every|first \d+|all of)\b|\ball (?:the |its |`)",
    re.IGNORECASE,
)
_CUTS = {
    "limit",
    "max_results",
    "page_size",
    "per_page",
    "cursor",
    "page",
    "offset",
    "count",
    "top",
}


def check(tool: Definition, _server: Server) -> Iterator[Finding]:
    if "Fails" not in tool.parts:
        yield Finding(
            "D4", tool.name, "does not say how it fails",
            "Add `Fails:` with each error code, when it comes, and what to do then.", NO_PART,
        )  # fmt: skip
    elif not tool.parts["Fails"].named:
        yield Finding(
            "D4", tool.name, "says only in passing how it fails",
            "Give it a part of its own that begins with `Fails:`.", ONLY_PROSE,
        )  # fmt: skip
    said = f"{tool.part('Returns')} {tool.part('Fails')}"
    if tool.arguments and not _NOTHING.search(said):
        yield Finding(
            "D4", tool.name, "does not say what comes when nothing is there",
            "Say whether that is an error (not_found) or an empty list.", UNTOLD,
        )  # fmt: skip
    if _many(tool) and not _HOW_MUCH.search(said):
        yield Finding(
            "D4", tool.name, "does not say whether a list is complete",
            "Say how many come at most and which field tells that some were left out.", UNTOLD,
        )  # fmt: skip


def _many(tool: Definition) -> bool:
    output = tool.output or {}
    lists = any(is_list(child, output) for child in top_fields(output).values())
    return lists or bool(_CUTS & set(tool.arguments))
