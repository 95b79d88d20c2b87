"""One wrong call after the other: bent, answered, repaired, judged. The same for every layer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_playbook.repair.agent.repair import repaired
from mcp_playbook.repair.injector.dice import Dice
from mcp_playbook.repair.injector.gold import right, said
from mcp_playbook.repair.injector.schema import required
from mcp_playbook.repair.judge import Verdict, judged
from mcp_playbook.repair.layers import Check
from mcp_playbook.repair.parameters import Parameters

Arguments = dict[str, Any]
Mistake = Callable[[Arguments, Arguments, Mapping[str, Any], Dice], Arguments | None]

NEVER_SAID = "a fact never given"
ANOTHER = "valid, but another"


@dataclass(frozen=True, slots=True)
class Case:
    """A wrong call: what was sent, what was meant, and which facts nobody gave."""

    tool: str
    schema: Mapping[str, Any]
    sent: Arguments
    right: Arguments
    mistakes: tuple[str, ...]
    unsaid: frozenset[str] = frozenset()

    @property
    def winnable(self) -> bool:
        return self.mistakes[0] not in {NEVER_SAID, ANOTHER}

    def recall(self, name: str) -> Any:
        return None if name in self.unsaid or name not in self.right else said(self.right[name])


@dataclass(frozen=True, slots=True)
class Outcome:
    verdict: Verdict
    rounds: int
    read: int  # characters of replies


def cases(
    tools: Mapping[str, Mapping[str, Any]], mistakes: Sequence[Mistake], made: Parameters, seed: int
) -> list[Case]:
    """The same for every layer: nothing here knows how mistakes will be answered."""
    names = sorted(name for name, schema in tools.items() if schema.get("properties"))
    found = []
    for number in range(made.calls):
        dice = Dice(seed, number)
        tool = dice.pick(names)
        found.append(_case(tool, tools[tool], mistakes, made, dice))
    return found


def _case(
    tool: str,
    schema: Mapping[str, Any],
    mistakes: Sequence[Mistake],
    made: Parameters,
    dice: Dice,
) -> Case:
    meant = _something(schema, dice)
    if dice.chance(made.never_said) and (needed := sorted(required(schema) & set(meant))):
        gone = dice.pick(needed)
        sent = {name: value for name, value in meant.items() if name != gone}
        return Case(tool, schema, sent, meant, (NEVER_SAID,), frozenset({gone}))
    if dice.chance(made.valid_but_another):
        for _ in range(9):
            other = right(schema, dice)
            if other and other != meant:
                return Case(tool, schema, other, meant, (ANOTHER,))
    wanted = dice.pick([count for count, share in made.at_once.items() for _ in range(share)])
    while True:
        sent, used = dict(meant), []
        for mistake in dice.shuffled(mistakes):
            bent = mistake(dict(sent), meant, schema, dice)
            if bent is not None and bent != sent:
                sent = bent
                used.append(mistake.__name__)
            if len(used) == wanted:
                break
        if used:
            return Case(tool, schema, sent, meant, tuple(used))
        meant = _something(schema, dice)


def _something(schema: Mapping[str, Any], dice: Dice) -> Arguments:
    """A right call with at least one argument."""
    while True:
        if meant := right(schema, dice):
            return meant


def played(case: Case, check: Check, rounds: int) -> Outcome:
    """Send, read, repair, until it is accepted or there is nothing more to try."""
    sent: Arguments | None = case.sent
    reply = check(case.sent)
    used, read = 0, len(reply.text)
    while reply.accepted is None and used < rounds:
        used += 1
        sent = repaired(sent or {}, reply.text, case.recall)
        if sent is None:
            break
        reply = check(sent)
        read += len(reply.text)
    return Outcome(judged(reply.accepted, case.right, case.schema), used, read)
