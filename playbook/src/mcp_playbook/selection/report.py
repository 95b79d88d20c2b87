"""What the selection evaluation found, whether it passes, and what its figures may claim."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcp_playbook.selection import statistics
from mcp_playbook.selection.accepted import ACCEPTED, Worse
from mcp_playbook.selection.measured import RECALL_AT, Measured
from mcp_playbook.selection.prompts import MIN_NEAR_MISS, MIN_NONE
from mcp_playbook.selection.statistics import Estimate

CLAIMS = """\
What this shows: whether a change of words makes tools easier or harder to tell apart, and which
pairs are confused. What it does not: how often an agent completes a task, whether a model heeds
`Not for:`, anything about requests of several steps. Prompts and descriptions have one author, so
part of every figure is shared vocabulary: let somebody else write prompts, unseen by whoever edits
the descriptions."""


@dataclass(frozen=True)
class Report:
    """`whole` reads all that is indexed; `named` and `first_sentence` are to compare with."""

    servers: Sequence[str]
    without: Sequence[str]  # servers that bring no prompts
    whole: Measured
    named: Measured
    first_sentence: Measured
    overlap: float
    worse: Sequence[Worse]

    @cached_property
    def gain(self) -> Estimate:
        """Top-1 of the whole text above that of the names, prompt by prompt."""
        pairs = zip(self.whole.hits, self.named.hits, strict=True)
        return statistics.mean([float(ours) - float(theirs) for ours, theirs in pairs])

    @property
    def won(self) -> int:
        return sum(a and not b for a, b in zip(self.whole.hits, self.named.hits, strict=True))

    @property
    def lost(self) -> int:
        return sum(b and not a for a, b in zip(self.whole.hits, self.named.hits, strict=True))

    @property
    def p_value(self) -> float:
        return statistics.mcnemar(self.won, self.lost)

    @cached_property
    def problems(self) -> Sequence[str]:
        """Why it does not pass; empty when it does."""
        found = [one.what for one in self.worse]
        if not self.whole.hits:
            return (f"no prompts for {', '.join(self.without) or 'any server'}", *found)
        if not self.gain.low > 0:
            found.append(
                f"descriptions are not shown to be better than names: {self.gain.shown} points "
                f"more with {len(self.whole.hits)} prompts; more prompts make it surer"
            )
        return tuple(found + self._thin())

    @property
    def remedies(self) -> Sequence[str]:
        """What to do about each server that is no longer what was accepted."""
        return [
            "Change what made it worse, or accept it:\n"
            f"  .venv/bin/python -m mcp_playbook.selection {server} --accept\n"
            f"That writes {ACCEPTED} of {server} anew: a hash of its prompts, and each one that "
            "finds another tool."
            for server in dict.fromkeys(one.server for one in self.worse)
        ]

    def _thin(self) -> list[str]:
        cases = self.whole.cases
        near = [case.prompt.near_miss for case in cases if case.answer is not None]
        none = sum(case.answer is None for case in cases)
        found = []
        if sum(near) < MIN_NEAR_MISS * len(near):
            found.append(
                f"{sum(near)} of {len(near)} prompts are near misses, not {MIN_NEAR_MISS:.0%}"
            )
        if none < MIN_NONE * len(cases):
            found.append(f"{none} of {len(cases)} prompts are for no tool, not {MIN_NONE:.0%}")
        return found

    @property
    def passed(self) -> bool:
        return not self.problems

    @property
    def summary(self) -> str:
        if not self.whole.hits:
            return self.problems[0]
        told = (
            f"BM25 puts the right tool first for {self.whole.top_1.value:.0%} of "
            f"{len(self.whole.hits)} prompts, names alone {self.named.top_1.value:.0%}; "
            f"difference {self.gain.low:+.0%} to {self.gain.high:+.0%}"
        )
        return "; ".join([told, *self.problems])

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "servers": list(self.servers),
            "without_prompts": list(self.without),
            "prompts": len(self.whole.cases),
            "answerable": len(self.whole.hits),
            "selectors": {
                "bm25, whole text": _figures(self.whole),
                "bm25, name and title": _figures(self.named),
                "bm25, first sentence": _figures(self.first_sentence),
            },
            "gain_over_names": _estimate(self.gain),
            "won": self.won,
            "lost": self.lost,
            "mcnemar_p": self.p_value,
            "overlap": _number(self.overlap),
            "confused": [
                {"answer": pair[0], "chosen": pair[1], "times": times}
                for pair, times in self.whole.confused.most_common()
            ],
            "claims": CLAIMS,
        }


def _figures(one: Measured) -> Mapping[str, Any]:
    return {
        "top_1": _estimate(one.top_1),
        f"recall_at_{RECALL_AT}": _estimate(one.recall),
        "near_miss_top_1": _estimate(one.near_miss),
        "none_auc": _number(one.none_auc),
    }


def _estimate(one: Estimate) -> Mapping[str, float | None]:
    return {"value": _number(one.value), "low": _number(one.low), "high": _number(one.high)}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
