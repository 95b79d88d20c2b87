"""D1: the first sentence says, verb first, what the tool does, in more words than its name has.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import WEIGHTS, Finding
from mcp_playbook.lint.server import Server
from mcp_playbook.lint.verbs import verb
from mcp_playbook.lint.words import plain

MIN_WORDS = 8  # beyond the name: "List tables." says nothing that `list_tables` does not


def check(tool: Definition, _server: Server) -> Iterator[Finding]:
    most = WEIGHTS["D1"]
    if not tool.purpose:
        yield Finding(
            "D1", tool.name, "does not say what it does",
            "Begin with one sentence: a verb, the thing it acts on, and by what it is found.", most,
        )  # fmt: skip
        return
    first = tool.purpose.split()[0]
    if verb(first) is None:
        yield Finding(
            "D1", tool.name, f"does not begin with a verb but with {first!r}",
            "Begin with what the tool does: Find, Read, List, Move, Write.", 5,
        )  # fmt: skip
    own = set(plain(tool.name))
    beyond = [word for word in plain(tool.purpose) if word not in own]
    if len(beyond) < MIN_WORDS:
        yield Finding(
            "D1", tool.name,
            f"says {len(beyond)} words beyond its name, not {MIN_WORDS}",
            "Say in the first sentence what it acts on, where that is, and what one asks by.",
            (most - 5) * (MIN_WORDS - len(beyond)) / MIN_WORDS,
        )  # fmt: skip
