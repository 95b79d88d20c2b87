"""D6: title and all four annotations are there, and say the same as the text.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.server import Server
from mcp_playbook.lint.verbs import CHANGES, DESTROYS, READS, verb
from mcp_shared.contract import HINTS

NO_TITLE = 1.5
NO_HINT = 1.25
CONTRADICTION = 3.0
NO_WORD_OF_REPEATING = 1.0

_REPEATING = re.compile(r"\b(?:again|same|once|repeat\w*|idempoten\w+|twice)\b", re.IGNORECASE)


def check(tool: Definition, _server: Server) -> Iterator[Finding]:
    if not tool.title:
        yield Finding(
            "D6", tool.name, "has no title", "Give it a title of two to four words.", NO_TITLE
        )
    for hint in HINTS:
        if tool.annotations.get(hint) is None:
            yield Finding(
                "D6", tool.name, f"has no {hint}",
                "Set it: a host that finds none must assume that the tool writes and destroys.",
                NO_HINT,
            )  # fmt: skip
    yield from _contradictions(tool)


def _contradictions(tool: Definition) -> Iterator[Finding]:
    does = verb((tool.purpose.split() or [""])[0])
    reads = tool.annotations.get("readOnlyHint")
    destroys = tool.annotations.get("destructiveHint")
    if reads is True and does in CHANGES:
        yield Finding(
            "D6", tool.name, f"says {does!r} and readOnlyHint: true",
            "Set readOnlyHint to false, or say what is read.", CONTRADICTION,
        )  # fmt: skip
    if reads is False and does in READS:
        yield Finding(
            "D6", tool.name, f"says {does!r} and readOnlyHint: false",
            "Set readOnlyHint to true, or begin with what is changed.", CONTRADICTION,
        )  # fmt: skip
    if destroys is False and does in DESTROYS:
        yield Finding(
            "D6", tool.name, f"says {does!r} and destructiveHint: false",
            "Set destructiveHint to true: what was there is gone afterwards.", CONTRADICTION,
        )  # fmt: skip
    if reads is True and destroys is True:
        yield Finding(
            "D6", tool.name, "claims to read only and to destroy",
            "Set one of readOnlyHint and destructiveHint to false.", CONTRADICTION,
        )  # fmt: skip
    if reads is False:
        yield from _writing(tool)


def _writing(tool: Definition) -> Iterator[Finding]:
    if "idempotency_key" not in tool.arguments:
        yield Finding(
            "D6", tool.name, "writes, and takes no idempotency_key",
            "Take a key the caller chooses, so that a repeated call changes nothing twice.",
            NO_WORD_OF_REPEATING,
        )  # fmt: skip
    if not _REPEATING.search(tool.text):
        yield Finding(
            "D6", tool.name, "writes, and does not say what a repeated call does",
            "Say in `Returns:` what the same call gives the second time.", NO_WORD_OF_REPEATING,
        )  # fmt: skip
