"""Who may call what: `servers/*/policy.yaml` and agents.yaml as one compiled, versioned policy.

Pure once loaded. Default deny: a tool, prompt, resource, role or client that no line names may
nothing. The same decision serves calls and lists, so that a list never shows what a call would
refuse.
"""

import fnmatch
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from mcp_gateway.settings import (
    ConfigError,
    Rate,
    RateText,
    Seconds,
    Server,
    Strict,
    parse,
    read_yaml,
)

Kind = Literal["read", "write"]
Family = Literal["tool", "prompt", "resource"]


class ToolLine(Strict):
    roles: list[str] = Field(min_length=1)
    kind: Kind = "read"
    rate: RateText = Rate(calls=60, seconds=60)
    rates: dict[str, RateText] = Field(default_factory=dict)
    timeout: Seconds | None = None
    redact: list[str] = Field(default_factory=list)


class OtherLine(Strict):
    roles: list[str] = Field(min_length=1)
    rate: RateText = Rate(calls=60, seconds=60)
    timeout: Seconds | None = None


class PolicyFile(Strict):
    tools: dict[str, ToolLine] = Field(default_factory=dict)
    prompts: dict[str, OtherLine] = Field(default_factory=dict)
    resources: dict[str, OtherLine] = Field(default_factory=dict)


class Agent(Strict):
    may: list[Kind] = Field(min_length=1)
    tools: list[str] = Field(min_length=1)


class AgentsFile(Strict):
    agents: dict[str, Agent]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a policy file, compiled."""

    server: str
    family: Family
    name: str
    roles: frozenset[str]
    kind: Kind
    rate: Rate
    rates: Mapping[str, Rate]
    timeout: float
    redact: tuple[str, ...]

    def rate_for(self, roles: Iterable[str]) -> Rate:
        """The widest rate among the roles that give this right."""
        own = [self.rates.get(role, self.rate) for role in roles if role in self.roles]
        return max(own, key=lambda rate: rate.per_second, default=self.rate)


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed or not, under which rule, and why: the reason is for the record and `make why`."""

    allowed: bool
    reason: str
    rule: Rule | None = None


@dataclass(frozen=True)
class Policy:
    version: str
    rules: Mapping[tuple[str, Family, str], Rule]
    patterns: tuple[Rule, ...]
    agents: Mapping[str, Agent]

    def decide(
        self, roles: frozenset[str], agent: str, server: str, family: Family, name: str
    ) -> Decision:
        """Person ∩ agent, for one tool, prompt or resource."""
        rule = self.rule(server, family, name)
        if rule is None:
            return Decision(allowed=False, reason="not_in_policy")
        if roles.isdisjoint(rule.roles):
            return Decision(allowed=False, reason="no_role", rule=rule)
        client = self.agents.get(agent)
        if client is None:
            return Decision(allowed=False, reason="unknown_agent", rule=rule)
        shown = f"{server}_{name}"
        if rule.kind not in client.may or not any(
            fnmatch.fnmatchcase(shown, pattern) for pattern in client.tools
        ):
            return Decision(allowed=False, reason="agent_may_not", rule=rule)
        return Decision(allowed=True, reason="role", rule=rule)

    def rule(self, server: str, family: Family, name: str) -> Rule | None:
        exact = self.rules.get((server, family, name))
        if exact is not None or family != "resource":
            return exact
        for rule in self.patterns:
            if rule.server == server and fnmatch.fnmatchcase(name, rule.name):
                return rule
        return None

    @property
    def roles(self) -> frozenset[str]:
        """Every role some line names; the realm must have them."""
        return frozenset[str]().union(*(rule.roles for rule in self.rules.values()))


def load(servers: Iterable[Server], agents: Path, timeout: float) -> Policy:
    """Compile the files of all listed servers.

    Raises:
        ConfigError: a file is missing or wrong; no part of a broken policy is used.

    """
    digest = hashlib.sha256()
    rules: dict[tuple[str, Family, str], Rule] = {}
    for server in servers:
        path = server.folder / "policy.yaml"
        digest.update(path.read_bytes())
        for rule in _compile(server.name, parse(PolicyFile, read_yaml(path), path), timeout):
            rules[rule.server, rule.family, rule.name] = rule
    if not agents.is_file():
        raise ConfigError(f"{agents}: no such file")
    digest.update(agents.read_bytes())
    return Policy(
        version=digest.hexdigest()[:12],
        rules=rules,
        patterns=tuple(rule for rule in rules.values() if "*" in rule.name),
        agents=parse(AgentsFile, read_yaml(agents), agents).agents,
    )


def _compile(server: str, file: PolicyFile, timeout: float) -> Iterator[Rule]:
    for name, line in file.tools.items():
        yield Rule(
            server=server,
            family="tool",
            name=name,
            roles=frozenset(line.roles),
            kind=line.kind,
            rate=line.rate,
            rates=line.rates,
            timeout=line.timeout or timeout,
            redact=tuple(line.redact),
        )
    others: list[tuple[Family, dict[str, OtherLine]]] = [
        ("prompt", file.prompts),
        ("resource", file.resources),
    ]
    for family, lines in others:
        for name, other in lines.items():
            yield Rule(
                server=server,
                family=family,
                name=name,
                roles=frozenset(other.roles),
                kind="read",
                rate=other.rate,
                rates={},
                timeout=other.timeout or timeout,
                redact=(),
            )
