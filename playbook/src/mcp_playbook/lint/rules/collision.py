"""D8: no tool's name and purpose read like another one's.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import WEIGHTS, Finding
from mcp_playbook.lint.server import Server
from mcp_playbook.lint.similarity import TWIN_SIMILARITY


def check(tool: Definition, server: Server) -> Iterator[Finding]:
    for twin in server.twins:
        if (server.name, tool.name) not in twin.tools:
            continue
        other = next(one for one in twin.tools if one != (server.name, tool.name))
        shown = other[1] if other[0] == server.name else f"{other[0]}_{other[1]}"
        yield Finding(
            "D8", tool.name,
            f"reads like {shown} (similarity {twin.similarity:.2f}, at most {TWIN_SIMILARITY})",
            "Say in both first sentences what tells them apart, or make them one tool.",
            WEIGHTS["D8"],
        )  # fmt: skip
        return
