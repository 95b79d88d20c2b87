"""D7: 60 to 160 words, and a first sentence that a list has room for.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.finding import WEIGHTS, Finding
from mcp_playbook.lint.server import Server
from mcp_shared.contract import MAX_PURPOSE_CHARACTERS, MAX_WORDS, MIN_WORDS

MAX_CHARACTERS = 10 * MAX_WORDS  # for texts whose words are long, or have no spaces between
LONG_FIRST_SENTENCE = 1.5


def check(tool: Definition, _server: Server) -> Iterator[Finding]:
    most = WEIGHTS["D7"]
    if tool.words < MIN_WORDS:
        yield Finding(
            "D7", tool.name, f"has {tool.words} words, not {MIN_WORDS} to {MAX_WORDS}",
            "Say the missing parts; the other findings name them.",
            most * (MIN_WORDS - tool.words) / MIN_WORDS,
        )  # fmt: skip
    if tool.words > MAX_WORDS:
        yield Finding(
            "D7", tool.name, f"has {tool.words} words, not {MIN_WORDS} to {MAX_WORDS}",
            "Every call pays for them: move background to the docs, arguments to the schema.",
            min(most, most * (tool.words - MAX_WORDS) / MAX_WORDS),
        )  # fmt: skip
    elif len(tool.text) > MAX_CHARACTERS:
        yield Finding(
            "D7", tool.name, f"has {len(tool.text):,} characters, not {MAX_CHARACTERS:,}",
            "Every call pays for them: say the same in words people use.",
            min(most, most * (len(tool.text) - MAX_CHARACTERS) / MAX_CHARACTERS),
        )  # fmt: skip
    if len(tool.purpose) > MAX_PURPOSE_CHARACTERS:
        yield Finding(
            "D7", tool.name,
            f"has a first sentence of {len(tool.purpose)} characters, not {MAX_PURPOSE_CHARACTERS}",
            "Split it: what it does first, then when.", LONG_FIRST_SENTENCE,
        )  # fmt: skip
