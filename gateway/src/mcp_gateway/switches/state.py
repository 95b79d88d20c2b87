"""What is closed, and what a caller is told who meets it. Pure: the time is handed in.

A person may be named by username or by subject; names of people count in any case.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mcp_gateway.call import Principal
from mcp_gateway.refusals import FORBIDDEN, Refusal

Kind = Literal["tool", "agent", "person", "tokens"]


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that is closed. `tokens` are a person's tokens of until then, not the person."""

    kind: Kind
    name: str
    at: float
    until: float | None
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Closed:
    """All that is closed; times are seconds since the epoch, `until` may be endless."""

    people: Mapping[str, float] = field(default_factory=dict)
    agents: Mapping[str, float] = field(default_factory=dict)
    tools: Mapping[str, float] = field(default_factory=dict)
    # by person, when their earlier tokens were revoked
    tokens: Mapping[str, float] = field(default_factory=dict)

    def blocks(self, principal: Principal, now: float) -> str | None:
        """Which of the two is blocked, person or agent; None when neither is."""
        if self.people and any(self.people.get(one, 0.0) > now for one in names_of(principal)):
            return "person"
        if self.agents and self.agents.get(principal.agent, 0.0) > now:
            return "agent"
        return None

    def revokes(self, principal: Principal) -> bool:
        """Whether this token is from before a revocation, or from the same second."""
        return bool(self.tokens) and any(
            principal.issued <= self.tokens.get(one, -1.0) for one in names_of(principal)
        )

    def ends(self, username: str, subject: str, since: float, now: float) -> bool:
        """Whether a sign-in of then is over: its person is blocked, or revoked since."""
        names = (username.casefold(), subject.casefold())
        return any(
            self.people.get(one, 0.0) > now or since <= self.tokens.get(one, -1.0) for one in names
        )

    @property
    def counts(self) -> Mapping[str, int]:
        return {
            "person": len(self.people),
            "agent": len(self.agents),
            "tool": len(self.tools),
            "tokens": len(self.tokens),
        }

    def closed_tools(self, now: float) -> frozenset[str]:
        return frozenset(name for name, until in self.tools.items() if until > now)


def names_of(principal: Principal) -> tuple[str, str]:
    return principal.username.casefold(), principal.subject.casefold()


def canonical(kind: Kind, name: str) -> str:
    """How a name is kept: people in any case, tools and clients exactly."""
    return name.casefold() if kind in {"person", "tokens"} else name


def closed_by(switches: Iterable[Switch]) -> Closed:
    by_kind: dict[Kind, dict[str, float]] = {"tool": {}, "agent": {}, "person": {}, "tokens": {}}
    for one in switches:
        endless = float("inf") if one.until is None else one.until
        by_kind[one.kind][one.name] = one.at if one.kind == "tokens" else endless
    return Closed(
        people=by_kind["person"],
        agents=by_kind["agent"],
        tools=by_kind["tool"],
        tokens=by_kind["tokens"],
    )


def blocked(kind: str) -> Refusal:
    """The same for every tool, there or not: it says nothing of what exists."""
    return Refusal(
        "blocked",
        "Access is blocked by an operator.",
        http=403,
        rpc=FORBIDDEN,
        reason=f"blocked:{kind}",
    )
