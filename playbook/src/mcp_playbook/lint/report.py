"""What the lint found, as a score per tool, a score per server, and findings with their remedy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean
from typing import Any

from mcp_playbook.lint.finding import WEIGHTS, Finding

MEAN_SHARE, MINIMUM_SHARE = 0.6, 0.4  # one bad tool is not averaged away


@dataclass(frozen=True, slots=True)
class ToolReport:
    name: str
    words: int
    tokens: int
    findings: Sequence[Finding]

    @property
    def score(self) -> float:
        lost: dict[str, float] = defaultdict(float)
        for finding in self.findings:
            lost[finding.rule] += finding.points
        taken = sum(min(points, WEIGHTS[rule]) for rule, points in lost.items())
        return round(max(0.0, 100 - taken), 1)


@dataclass(frozen=True)
class Report:
    name: str
    by_tool: Mapping[str, ToolReport]
    # of what the server says of itself and of its prompts
    own: Sequence[Finding] = ()

    @cached_property
    def findings(self) -> Sequence[Finding]:
        return (*(one for tool in self.by_tool.values() for one in tool.findings), *self.own)

    @property
    def score(self) -> float:
        """0.6 of the mean and 0.4 of the worst tool; 0 for a server without tools."""
        scores = [tool.score for tool in self.by_tool.values()]
        if not scores:
            return 0.0
        of_tools = MEAN_SHARE * mean(scores) + MINIMUM_SHARE * min(scores)
        return round(max(0.0, of_tools - sum(one.points for one in self.own)), 1)

    @property
    def tokens(self) -> int:
        """What the tool list costs a model, estimated (see cost.py)."""
        return sum(tool.tokens for tool in self.by_tool.values())

    def of(self, rules: Iterable[str]) -> Sequence[Finding]:
        wanted = set(rules)
        return tuple(one for one in self.findings if one.rule in wanted)

    def as_json(self) -> dict[str, Any]:
        return {
            "server": self.name,
            "score": self.score,
            "tokens": self.tokens,
            "findings": [_as_json(one) for one in self.own],
            "tools": {
                tool.name: {
                    "score": tool.score,
                    "words": tool.words,
                    "tokens": tool.tokens,
                    "findings": [_as_json(one) for one in tool.findings],
                }
                for tool in self.by_tool.values()
            },
        }


def _as_json(one: Finding) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "what": one.what,
        "instead": one.instead,
        "points": round(one.points, 2),
    }
