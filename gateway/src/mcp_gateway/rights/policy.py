"""Who may call what: `servers/*/policy.yaml` and agents.yaml as one compiled, versioned policy.

Pure once loaded. Default deny: a tool, prompt, resource, role or client that no line names may
nothing; a client that calls for itself (a service) has the rights of its own line and no others.
The same decision serves calls and lists, so that a list never shows what a call would refuse.
"""

import fnmatch
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from mcp_gateway.configuration.settings import (
    ConfigError,
    Rate,
    RateText,
    Server,
    Strict,
    parse,
    read_with_bytes,
)
from mcp_gateway.rights.policy_file import (
    Answers,
    Keep,
    Kind,
    OtherLine,
    PolicyFile,
    Reach,
    Secrets,
)

Family = Literal["tool", "prompt", "resource"]


class Agent(Strict):
    may: list[Kind] = Field(min_length=1)
    tools: list[str] = Field(min_length=1)
    # of all people who use this agent together, in tokens
    rate: RateText | None = None


class Service(Agent):
    """A client that calls for itself, with no person behind it."""

    roles: list[str] = Field(min_length=1)


class AgentsFile(Strict):
    agents: dict[str, Agent]
    services: dict[str, Service] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if both := sorted(set(self.agents) & set(self.services)):
            raise ValueError(
                f"{', '.join(both)} is listed under agents and under services; a client acts for "
                "people or for itself"
            )
        return self


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
    cost: int = 1
    keep: Keep = "redacted"
    # by path: the roles that see the field
    mask: Mapping[str, frozenset[str]] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    # seconds that a task of it may live; None: no call of it becomes one
    task: float | None = None

    def hidden_from(self, roles: frozenset[str]) -> list[str]:
        """Which fields of the answer these roles do not see."""
        return [path for path, seen_by in self.mask.items() if roles.isdisjoint(seen_by)]

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
    services: Mapping[str, Service] = field(default_factory=dict)
    # by server, where it has one
    server_rates: Mapping[str, Rate] = field(default_factory=dict)
    records: Mapping[str, Mapping[str, Reach]] = field(default_factory=dict)

    def decide(
        self,
        roles: frozenset[str],
        agent: str,
        server: str,
        family: Family,
        name: str,
        *,
        service: bool = False,
    ) -> Decision:
        """Person ∩ agent, for one tool, prompt or resource; for a service its own line alone."""
        rule = self.rule(server, family, name)
        if rule is None:
            return Decision(allowed=False, reason="not_in_policy")
        if roles.isdisjoint(rule.roles):
            return Decision(allowed=False, reason="no_role", rule=rule)
        client = self.client(agent, service=service)
        if client is None:
            return Decision(allowed=False, reason="unknown_agent", rule=rule)
        shown = f"{server}_{name}"
        if rule.kind not in client.may or not any(
            fnmatch.fnmatchcase(shown, pattern) for pattern in client.tools
        ):
            return Decision(allowed=False, reason="agent_may_not", rule=rule)
        return Decision(allowed=True, reason="role", rule=rule)

    def client(self, agent: str, *, service: bool) -> Agent | None:
        return self.services.get(agent) if service else self.agents.get(agent)

    def roles_of_service(self, agent: str) -> frozenset[str]:
        """What its line says; roles that its token brings count for nothing."""
        line = self.services.get(agent)
        return frozenset(line.roles) if line else frozenset()

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
    rates: dict[str, Rate] = {}
    records: dict[str, Mapping[str, Reach]] = {}
    for server in servers:
        path = server.folder / "policy.yaml"
        # a file read twice may have changed in between: the version of what was not compiled
        document, raw = read_with_bytes(path)
        file = parse(PolicyFile, document, path)
        digest.update(raw)
        for rule in _compile(server.name, file, timeout):
            rules[rule.server, rule.family, rule.name] = rule
        if file.rate is not None:
            rates[server.name] = file.rate
        if file.records:
            records[server.name] = file.records
    document, raw = read_with_bytes(agents)
    clients = parse(AgentsFile, document, agents)
    digest.update(raw)
    found = Policy(
        version=digest.hexdigest()[:12],
        rules=rules,
        patterns=tuple(rule for rule in rules.values() if "*" in rule.name),
        agents=clients.agents,
        services=clients.services,
        server_rates=rates,
        records=records,
    )
    for name, line in clients.services.items():
        if useless := sorted(set(line.roles) - found.roles):
            raise ConfigError(
                f"{agents}: services.{name}.roles: no policy names {', '.join(useless)}"
            )
    return found


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
            cost=line.cost,
            keep=line.keep,
            mask={path: frozenset(seen_by) for path, seen_by in line.mask.items()},
            answers=_answers(file.answers, line.secrets),
            task=line.task,
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
                answers=_answers(file.answers, other.secrets),
            )


def _answers(server: Answers, secrets: Secrets | None) -> Answers:
    """Of one line: as the server's, but for what the line says otherwise."""
    return server if secrets is None else server.model_copy(update={"secrets": secrets})
