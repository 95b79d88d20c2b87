"""What a selector chooses among, and the three texts it may be given of each tool.

Pure: no clock, no network, no state. `Not for:` is never indexed: word matching does not read
negation, so "not for X" would attract the questions about X.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.words import content
from mcp_shared.contract import parse


@dataclass(frozen=True, slots=True)
class Candidate:
    server: str
    tool: Definition

    @property
    def name(self) -> str:
        """As the gateway's aggregate names it."""
        return f"{self.server}_{self.tool.name}"


Text = Callable[[Definition], list[str]]


def whole(tool: Definition) -> list[str]:
    """Name, title, purpose, `Use when` (what people ask it for) and the arguments."""
    read = parse(tool.text)
    pieces = [tool.name, tool.title, read.purpose, read.parts.get("Use when", "")]
    return content(" ".join([*pieces, *_arguments(tool)]))


def named(tool: Definition) -> list[str]:
    """Name and title alone: what a tool says for nothing."""
    return content(f"{tool.name} {tool.title}")


def first_sentence(tool: Definition) -> list[str]:
    """Name, title and first sentence: what many public tools say."""
    return content(f"{tool.name} {tool.title} {tool.purpose}")


def _arguments(tool: Definition) -> Iterator[str]:
    for argument in tool.arguments.values():
        yield argument.name
        yield argument.description
        yield from (str(value) for value in argument.binds.get("enum", ()) if value is not None)
