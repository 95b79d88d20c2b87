"""One tool's definition, read: its parts, named or found in prose, its arguments, its output.

Pure: no clock, no network, no state. Takes any server's tools/list; English prose is assumed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcp_playbook.lint.schema import Argument, arguments, field_names
from mcp_playbook.lint.tidy import tidied
from mcp_shared.contract import PARTS, first_sentence, parse

# how prose says what a named part would have said
_CUES = {
    "Use when": (
        r"\buse (?:this|it|the tool)?\s*(?:tool )?(?:when|if|to|for)\b|\bwhen you\b"
        r"|\buseful (?:for|when|to)\b|\bcall this\b"
    ),
    "Not for": (
        r"\bnot for\b|\b(?:do not|don't|never) (?:use|call)\b|\binstead\b|\brather than\b"
        r"|\bnot (?:meant|intended|suitable)\b|\bunlike\b|\bonly use\b"
    ),
    "Returns": (
        r"\breturns?\b|\b(?:output|result)s? (?:is|are|has|have|contains?|includes?)\b"
        r"|\bresponds? with\b|\bgives back\b"
    ),
    "Fails": (
        r"\bfails?\b|\berrors?\b|\braises?\b|\bthrows?\b|\bnot[ _]?found\b|\bunavailable\b"
        r"|\b(?:if|when) (?:no|none|the \w+ (?:does not|doesn't) exist)\b"
    ),
}
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_IDENTIFIER = re.compile(r"`([A-Za-z_][A-Za-z0-9_]*)`")
_SNAKE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a description; `named` when it stands under its own heading."""

    text: str
    named: bool


@dataclass(frozen=True)
class Definition:
    """`wire` is what another's server may send: nothing about its types is taken for granted."""

    wire: Mapping[str, Any]

    @cached_property
    def known(self) -> Mapping[str, Any]:
        """The definition with every schema keyword of the type it should have."""
        found: dict[str, Any] = tidied(self.wire)
        return found

    @property
    def name(self) -> str:
        return str(self.wire.get("name", ""))

    @property
    def title(self) -> str:
        return str(self.wire.get("title") or self.annotations.get("title") or "")

    @property
    def text(self) -> str:
        return str(self.wire.get("description") or "")

    @property
    def annotations(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.known.get("annotations") or {}
        return found

    @property
    def input(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.known.get("inputSchema") or {}
        return found

    @property
    def output(self) -> Mapping[str, Any] | None:
        return self.known.get("outputSchema") or None

    @cached_property
    def arguments(self) -> Mapping[str, Argument]:
        return arguments(self.input)

    @cached_property
    def input_fields(self) -> frozenset[str]:
        """Every field a call can have, at any depth."""
        return frozenset(field_names(self.input))

    @cached_property
    def output_fields(self) -> frozenset[str]:
        """Every field an answer can have, at any depth."""
        return frozenset(field_names(self.output or {}))

    @cached_property
    def words(self) -> int:
        return parse(self.text).words

    @cached_property
    def purpose(self) -> str:
        """The first sentence."""
        return first_sentence(parse(self.text).purpose)

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """The parts that are there; a heading outweighs prose."""
        read = parse(self.text)
        found = {name: Part(text, named=True) for name, text in read.parts.items() if text}
        sentences = [one for one in _SENTENCE.split(self.text) if one.strip()]
        for name in PARTS:
            said = [one for one in sentences if re.search(_CUES[name], one, re.IGNORECASE)]
            if name not in found and said:
                found[name] = Part(" ".join(said), named=False)
        return found

    def part(self, name: str) -> str:
        return self.parts[name].text if name in self.parts else ""


def identifiers(text: str) -> set[str]:
    """Names set in backticks, as of arguments and fields."""
    return set(_IDENTIFIER.findall(text))


def snake_words(text: str) -> set[str]:
    """Words with an underscore: names of tools, arguments, fields."""
    return set(_SNAKE.findall(text))
