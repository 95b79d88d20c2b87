"""One line of a checklist: its id, what is true when it passes, and the code that finds out.

A check returns its evidence, or raises what is wrong: `Failed` for a promise that does not hold,
`NotYet` for what is not built or not reachable from here. Neither is ever counted as a pass.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from mcp_playbook.deployment import Deployment

Kind = Literal["black-box", "kit"]
State = Literal["pass", "fail", "not yet"]
Run = Callable[[Deployment], Awaitable[str]]

KINDS: dict[Kind, str] = {
    "black-box": "would work against any gateway: it needs a URL and tokens",
    "kit": "of this kit: it reads its files, its ledger or its processes",
}


class Failed(Exception):  # noqa: N818  an outcome, not a malfunction
    """The promise does not hold: what was seen, and what to do about it."""

    def __init__(self, seen: str, *, do: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.do = do


class NotYet(Exception):  # noqa: N818  an outcome, not a malfunction
    """Nobody can tell: what is missing, and what would supply it."""

    def __init__(self, missing: str, *, do: str) -> None:
        super().__init__(missing)
        self.missing = missing
        self.do = do


@dataclass(frozen=True)
class Check:
    id: str
    kind: Kind
    title: str
    # controls it is evidence for, never proof of: see `controls`
    controls: Sequence[str]
    run: Run

    @property
    def week(self) -> int:
        return int(self.id[1])


@dataclass(frozen=True)
class Outcome:
    """What became of one check, in one run."""

    check: Check
    state: State
    evidence: str
    do: str
    seconds: float


def line(id: str, kind: Kind, title: str, *controls: str) -> Callable[[Run], Check]:  # noqa: A002  the word for it
    """Make a coroutine function the check of one checklist line."""

    def made(run: Run) -> Check:
        return Check(id, kind, title, controls, run)

    return made
