"""One selector over all prompts: what it chose, and the figures of that."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mcp_playbook.lint.words import content
from mcp_playbook.selection import statistics
from mcp_playbook.selection.candidates import Candidate, whole
from mcp_playbook.selection.prompts import NONE, Prompt
from mcp_playbook.selection.selector import Ranking, Selector
from mcp_playbook.selection.statistics import Estimate

RECALL_AT = 3

Pair = tuple[str, str]  # the tool that answers, the tool that was chosen


@dataclass(frozen=True)
class Case:
    """A prompt, and its tool as the aggregate names it; None when no tool answers."""

    prompt: Prompt
    answer: str | None


@dataclass(frozen=True, slots=True)
class Miss:
    """A prompt that found another tool than the one that answers, or none."""

    ask: str
    answer: str
    chosen: str | None


@dataclass(frozen=True)
class Measured:
    cases: Sequence[Case]
    rankings: Sequence[Ranking | None]

    @cached_property
    def _answerable(self) -> list[tuple[Case, list[str]]]:
        return [
            (case, [one.name for one in ranking or ()])
            for case, ranking in zip(self.cases, self.rankings, strict=True)
            if case.answer is not None
        ]

    @cached_property
    def hits(self) -> list[bool]:
        """For each answerable prompt: whether its tool came first."""
        return [names[:1] == [case.answer] for case, names in self._answerable]

    @cached_property
    def top_1(self) -> Estimate:
        return statistics.mean(self.hits)

    @cached_property
    def recall(self) -> Estimate:
        return statistics.mean(
            [case.answer in names[:RECALL_AT] for case, names in self._answerable]
        )

    @cached_property
    def near_miss(self) -> Estimate:
        pairs = zip(self._answerable, self.hits, strict=True)
        return statistics.mean([hit for (case, _), hit in pairs if case.prompt.near_miss])

    @cached_property
    def none_auc(self) -> float:
        """How well the best score tells a prompt that a tool answers from one that none does."""
        best: dict[bool, list[float]] = {True: [], False: []}
        for case, ranking in zip(self.cases, self.rankings, strict=True):
            best[case.answer is not None].append(ranking[0].score if ranking else 0.0)
        return statistics.auc(best[True], best[False])

    @cached_property
    def misses(self) -> Sequence[Miss]:
        wrong = zip(self._answerable, self.hits, strict=True)
        return [
            Miss(case.prompt.ask, str(case.answer), names[0] if names else None)
            for (case, names), hit in wrong
            if not hit
        ]

    @cached_property
    def confused(self) -> Counter[Pair]:
        """How often one tool was taken for another; a prompt no tool was found for is no pair."""
        return Counter((miss.answer, miss.chosen) for miss in self.misses if miss.chosen)


def measure(selector: Selector, cases: Sequence[Case], tools: Sequence[Candidate]) -> Measured:
    return Measured(cases, [selector.choose(case.prompt.ask, tools) for case in cases])


def cases(server: str, prompts: Sequence[Prompt]) -> list[Case]:
    return [
        Case(one, None if one.expects == NONE else f"{server}_{one.expects}") for one in prompts
    ]


def overlap(cases: Sequence[Case], tools: Sequence[Candidate]) -> float:
    """The share of a prompt's words that its tool's text has: high when prompts are copied."""
    texts = {tool.name: set(whole(tool.tool)) for tool in tools}
    shares = []
    for case in cases:
        words = set(content(case.prompt.ask))
        if case.answer is not None and words:
            shares.append(len(words & texts[case.answer]) / len(words))
    return statistics.mean(shares).value
