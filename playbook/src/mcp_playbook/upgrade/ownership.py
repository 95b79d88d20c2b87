"""Whose a path is: yours, shared or the kit's. Reads playbook/ownership.toml; decides nothing else.

Pure once read. The first rule that matches decides, so a path has one owner or none.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from mcp_gateway.configuration.settings import Strict, parse

FILE = "playbook/ownership.toml"
Owner = Literal["yours", "shared", "kit"]


class RuleLines(Strict):
    owner: Owner
    paths: list[str] = Field(min_length=1)


class Removable(Strict):
    folders: tuple[str, ...] = ()


class Added(Strict):
    paths: tuple[str, ...] = ()


class OwnershipFile(Strict):
    rule: list[RuleLines] = Field(min_length=1)
    removable: Removable = Removable()
    added: Added = Added()


@dataclass(frozen=True)
class Rule:
    owner: Owner
    pattern: str
    expression: re.Pattern[str]


@dataclass(frozen=True)
class Ownership:
    rules: tuple[Rule, ...]
    removable: tuple[str, ...]  # folders

    def rule_of(self, path: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.expression.fullmatch(path)), None)

    def owner_of(self, path: str) -> Owner | None:
        rule = self.rule_of(path)
        return rule.owner if rule else None

    def folder_of(self, path: str) -> str | None:
        """The removable folder that holds the path, if one does."""
        return next((one for one in self.removable if path.startswith(f"{one}/")), None)


def read(file: Path) -> Ownership:
    """Compile the rules of one file.

    Raises:
        OSError, tomllib.TOMLDecodeError, ConfigError: missing, not TOML, or a key that is none.

    """
    return compiled(file.read_text("utf-8"), file)


def compiled(text: str, file: Path) -> Ownership:
    content = parse(OwnershipFile, tomllib.loads(text), file)
    return Ownership(tuple(_rules(content)), content.removable.folders)


def _rules(content: OwnershipFile) -> Iterator[Rule]:
    for pattern in content.added.paths:
        yield Rule("yours", pattern, expression(pattern))
    for lines in content.rule:
        for pattern in lines.paths:
            yield Rule(lines.owner, pattern, expression(pattern))


def expression(pattern: str) -> re.Pattern[str]:
    """`*` within a name, `**` across folders; everything else as it stands."""
    words = re.split(r"(\*\*|\*)", pattern)
    made = {"**": ".+", "*": "[^/]+"}
    return re.compile("".join(made.get(word, re.escape(word)) for word in words))
