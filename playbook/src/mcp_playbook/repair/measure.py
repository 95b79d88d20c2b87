"""Every way of answering over the same wrong calls, and what of it may be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from mcp_playbook.repair.injector import held_out, known
from mcp_playbook.repair.judge import VERDICTS, Verdict
from mcp_playbook.repair.layers import LAYERS
from mcp_playbook.repair.parameters import Parameters
from mcp_playbook.repair.trial import ANOTHER, NEVER_SAID, Case, Mistake, Outcome, cases, played
from mcp_playbook.selection.statistics import Estimate, mcnemar, mean

SETS: Mapping[str, Sequence[Mistake]] = {"known": known.MISTAKES, "held-out": held_out.MISTAKES}

Tools = Mapping[str, Mapping[str, Any]]  # name → input schema


class RiggedError(RuntimeError):
    """A figure that cannot be: something knows what it should not."""


@dataclass(frozen=True)
class Measured:
    """One set of mistakes: the cases, and by layer how each ended."""

    cases: Sequence[Case]
    by_layer: Mapping[str, Sequence[Outcome]]

    @cached_property
    def winnable(self) -> Sequence[int]:
        return [number for number, case in enumerate(self.cases) if case.winnable]

    def share(self, layer: str, verdict: Verdict) -> float:
        found = [self.by_layer[layer][one].verdict == verdict for one in self.winnable]
        return fmean(found)

    def rounds(self, layer: str) -> float:
        """Of those that ended correct."""
        every = (self.by_layer[layer][one] for one in self.winnable)
        return fmean([one.rounds for one in every if one.verdict == "correct"] or [0])

    def read(self, layer: str) -> float:
        """Characters of all replies to a call: what its caller pays for being told."""
        return fmean([self.by_layer[layer][one].read for one in self.winnable])

    def correct(self, layer: str) -> list[bool]:
        return [self.by_layer[layer][one].verdict == "correct" for one in self.winnable]

    def gain(self, layer: str, over: str) -> tuple[Estimate, float]:
        """The paired difference in correct calls, and how likely it is by chance."""
        pairs = list(zip(self.correct(layer), self.correct(over), strict=True))
        won = sum(one and not other for one, other in pairs)
        lost = sum(other and not one for one, other in pairs)
        return mean([one - other for one, other in pairs]), mcnemar(won, lost)

    def by_mistake(self, layer: str) -> dict[str, tuple[int, int]]:
        """Of calls with this mistake alone: correct, and all."""
        found: dict[str, list[bool]] = {}
        for number in self.winnable:
            case = self.cases[number]
            if len(case.mistakes) == 1:
                correct = self.by_layer[layer][number].verdict == "correct"
                found.setdefault(case.mistakes[0], []).append(correct)
        return {name: (sum(found[name]), len(found[name])) for name in sorted(found)}


def measure(tools: Tools, made: Parameters, mistakes: Sequence[Mistake]) -> Measured:
    """Play all cases against all layers.

    Raises:
        RiggedError: a call was won that nobody could win, or a layer without effect had one.

    """
    every = [case for seed in made.seeds for case in cases(tools, mistakes, made, seed)]
    checks = {
        layer: {tool: make(tool, schema) for tool, schema in tools.items()}
        for layer, make in LAYERS.items()
    }
    found = Measured(
        every,
        {
            layer: [played(case, check[case.tool], made.rounds) for case in every]
            for layer, check in checks.items()
        },
    )
    _insist_on_honesty(found)
    return found


def _insist_on_honesty(found: Measured) -> None:
    for layer, outcomes in found.by_layer.items():
        for case, outcome in zip(found.cases, outcomes, strict=True):
            if case.mistakes[0] in {NEVER_SAID, ANOTHER} and outcome.verdict == "correct":
                raise RiggedError(f"{layer}: {case.tool} was won, and {case.mistakes[0]}")
    if found.by_layer["no-op layer"] != found.by_layer["bare"]:
        raise RiggedError("a layer without effect has one")


def shares(found: Measured) -> dict[str, dict[str, float]]:
    return {
        layer: {verdict: found.share(layer, verdict) for verdict in VERDICTS}
        | {"rounds": found.rounds(layer), "read": found.read(layer)}
        for layer in found.by_layer
    }


def sensitivity(tools: Tools, made: Parameters) -> dict[str, dict[str, dict[str, float]]]:
    """Correct calls when what was assumed is otherwise: one seed, known and held-out."""
    asked = {
        **{f"{rounds} rounds": made.model_copy(update={"rounds": rounds}) for rounds in (1, 2, 5)},
        **{
            f"{count} mistakes at once": made.model_copy(update={"at_once": {count: 1}})
            for count in (1, 2, 3)
        },
    }
    return {
        what: {
            name: {
                layer: measured.share(layer, "correct")
                for layer in ("bare", "first message", "pydantic", "structured")
            }
            for name, mistakes in SETS.items()
            for measured in [
                measure(tools, one.model_copy(update={"seeds": made.seeds[:1]}), mistakes)
            ]
        }
        for what, one in asked.items()
    }
