"""Who may use what, as a table: the compiled policy beside the pinned catalogue. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_gateway.configuration.settings import Rate
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.rights.policy import Agent, Family, Policy, Rule


@dataclass(frozen=True, slots=True)
class Row:
    """One tool, prompt or resource; `rates` says how often per role that may."""

    family: Family
    name: str
    kind: str
    rates: Mapping[str, str]
    redacted: tuple[str, ...]
    masked: tuple[str, ...]  # a field of the answer, and who sees it
    state: str  # "", or why it is not served as it stands


@dataclass(frozen=True, slots=True)
class Group:
    server: str
    title: str
    rows: tuple[Row, ...]
    records: str  # whose records a role reaches, where the server tells people apart


@dataclass(frozen=True, slots=True)
class Matrix:
    version: str
    roles: tuple[str, ...]
    groups: tuple[Group, ...]
    agents: tuple[tuple[str, Agent], ...]


def matrix(policy: Policy, catalogue: Catalogue) -> Matrix:
    groups = []
    for server, pinned in catalogue.servers.items():
        rules = [rule for rule in policy.rules.values() if rule.server == server]
        families: tuple[Family, ...] = ("tool", "prompt", "resource")
        rows = [_row(r, catalogue) for family in families for r in rules if r.family == family]
        unlisted = [
            Row("tool", name, "", {}, (), (), "pinned, but no line of the policy: nobody may")
            for name in pinned.tools
            if policy.rule(server, "tool", name) is None
        ]
        reach = policy.records.get(server, {})
        records = ", ".join(f"{role} {how}" for role, how in reach.items())
        groups.append(Group(server, pinned.title, tuple(rows + unlisted), records))
    return Matrix(
        version=policy.version,
        roles=tuple(sorted(policy.roles)),
        groups=tuple(groups),
        agents=tuple(sorted(policy.agents.items())),
    )


def _row(rule: Rule, catalogue: Catalogue) -> Row:
    state = ""
    if rule.family != "resource":
        if catalogue.definition(rule.server, rule.family, rule.name) is None:
            state = "not pinned: not served"
        elif catalogue.quarantined(rule.server, rule.family, rule.name):
            state = "quarantined: the server serves another definition"
    return Row(
        family=rule.family,
        name=rule.name,
        kind=rule.kind,
        rates={role: _rate(rule.rate_for([role])) for role in rule.roles},
        redacted=rule.redact,
        masked=tuple(
            f"{path}: {', '.join(sorted(seen_by)) or 'nobody'}"
            for path, seen_by in rule.mask.items()
        ),
        state=state,
    )


def _rate(rate: Rate) -> str:
    units = {1.0: "s", 60.0: "min", 3600.0: "h", 86_400.0: "d"}
    return f"{rate.calls}/{units.get(rate.seconds, f'{rate.seconds:g} s')}"
