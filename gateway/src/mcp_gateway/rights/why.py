"""`make policy` and `make why`: the policy as people ask for it, decided by the code that decides
calls.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from mcp_gateway.configuration import settings
from mcp_gateway.configuration.settings import ConfigError, exit_with, from_environment
from mcp_gateway.definitions import catalogue
from mcp_gateway.rights import policy


def matrix(found: policy.Policy) -> list[list[str]]:
    """Rows of tool by role: r read, w write, · no right."""
    roles = sorted({role for rule in found.rules.values() for role in rule.roles})
    rows = [["", *roles, "kind", "rate"]]
    for rule in found.rules.values():
        marks = [(rule.kind[0] if role in rule.roles else "·") for role in roles]
        rate = f"{rule.rate.calls}/{rule.rate.seconds:g}s"
        rates = [f"{role} {one.calls}/{one.seconds:g}s" for role, one in rule.rates.items()]
        shown = rule.name if rule.family == "resource" else f"{rule.server}_{rule.name}"
        label = shown if rule.family == "tool" else f"{rule.family} {shown}"
        cost = [f"cost {rule.cost}"] if rule.cost > 1 else []
        rows.append([label, *marks, rule.kind, ", ".join([rate, *rates, *cost])])
    return rows


def beside(found: policy.Policy) -> Iterable[str]:
    """What the table has no column for: calls that may become tasks, and what somebody with a tool
    still does not see: fields that are masked, records by owner.
    """
    for rule in found.rules.values():
        if rule.task is not None:
            yield f"{rule.server}_{rule.name}: may become a task, kept {rule.task:g} s"
        for path, seen_by in rule.mask.items():
            roles = ", ".join(sorted(seen_by)) or "nobody"
            yield f"{rule.server}_{rule.name}: {path} is seen by {roles}; masked for everyone else"
    for server, records in found.records.items():
        reach = ", ".join(f"{role} {how}" for role, how in records.items())
        yield f"{server}: records by owner: {reach}; any other role none"


def explain(
    found: policy.Policy,
    known: catalogue.Catalogue,
    roles: frozenset[str],
    agent: str,
    tool: str,
    folders: Mapping[str, str] | None = None,
) -> Iterable[str]:
    """Why a person with these roles may or may not call a tool, and which line would change it.

    `folders`: of servers that lie elsewhere than in servers/.
    """
    server, _, name = tool.partition("_")
    if server not in known.servers:
        yield f"no: there is no server {server!r}; tools are named <server>_<tool>"
        return
    decision = found.decide(roles, agent, server, "tool", name)
    folder = (folders or {}).get(server, f"servers/{server}")
    file = f"{folder}/policy.yaml"
    if decision.allowed and decision.rule is not None:
        through = ", ".join(sorted(roles & decision.rule.roles))
        rate = decision.rule.rate_for(roles)
        yield f"yes: role {through} ({file}: tools.{name}.roles), as {agent} (gateway/agents.yaml)"
        line = f"     {rate.calls} calls per {rate.seconds:g} s, {decision.rule.timeout:g} s each"
        yield f"{line}, {decision.rule.cost} tokens each" if decision.rule.cost > 1 else line
        if (kept := decision.rule.task) is not None:
            yield f"     as a task if it takes long, kept {kept:g} s ({file}: tools.{name}.task)"
        if masked := decision.rule.hidden_from(roles):
            yield f"     masked in the answer: {', '.join(masked)} ({file}: tools.{name}.mask)"
    elif decision.reason == "not_in_policy":
        yield f"no: {file} has no line for tools.{name}; what is not listed is denied"
        yield from _meant(found, server, name)
    elif decision.reason == "no_role" and decision.rule is not None:
        wanted = ", ".join(sorted(decision.rule.roles))
        yield f"no: {file}: tools.{name}.roles is [{wanted}]; the person has {_some(roles)}"
    elif decision.reason == "unknown_agent" and agent in found.services:
        yield f"no: gateway/agents.yaml lists {agent!r} as a service, which acts for no person"
    elif decision.reason == "unknown_agent":
        yield f"no: gateway/agents.yaml does not list the client {agent!r}"
    else:
        yield f"no: gateway/agents.yaml narrows {agent!r}: it may not call {tool}"
    if decision.allowed and known.definition(server, "tool", name) is None:
        yield f"but: {folder}/tools.lock.json does not pin it; run `make tools-lock`"


def _meant(found: policy.Policy, server: str, name: str) -> Iterable[str]:
    tools = [one for at, family, one in found.rules if (at, family) == (server, "tool")]
    for close in get_close_matches(name, tools, n=1):
        yield f"     did you mean {server}_{close}?"


def _some(roles: frozenset[str]) -> str:
    return f"[{', '.join(sorted(roles))}]" if roles else "no role"


def people(realm: Path) -> Mapping[str, frozenset[str]]:
    """Roles of the realm's people, through their groups."""
    document = json.loads(realm.read_text("utf-8"))
    carried = {
        group["path"] if "path" in group else f"/{group['name']}": group.get("realmRoles", [])
        for group in document.get("groups", [])
    }
    found: dict[str, frozenset[str]] = {}
    for user in document.get("users", []):
        groups = [path if path.startswith("/") else f"/{path}" for path in user.get("groups", [])]
        of_groups = [role for group in groups for role in carried.get(group, [])]
        found[user["username"]] = frozenset([*user.get("realmRoles", []), *of_groups])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mcp_gateway.rights.why")
    parser.add_argument("--person", help="username in the realm file")
    parser.add_argument("--tool", help="as named on /mcp: <server>_<tool>")
    parser.add_argument("--agent", default="claude-code", help="the client used")
    parser.add_argument("--realm", type=Path, default=Path("infra/keycloak/realm.json"))
    options = parser.parse_args()
    try:
        made = from_environment()
        config = settings.load(made.config, made)
        listed = settings.servers(config, made.config)
        agents = made.config.parent / "agents.yaml"
        found = policy.load(listed, agents, config.limits.timeout)
        known = catalogue.load(listed)
    except ConfigError as error:
        exit_with(error)
    if options.person is None or options.tool is None:
        rows = matrix(found)
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        cells = [map(str.ljust, row, widths) for row in rows]
        shown = ["  ".join(row).rstrip() for row in cells]
        if lines := list(beside(found)):
            shown += ["", *lines]
        shown += ["", f"policy {found.version}; what has no line is denied"]
        sys.stdout.write("\n".join(shown) + "\n")  # at once: `make policy | head` is no error
        return
    everyone = people(options.realm)
    if options.person not in everyone:
        known_people = ", ".join(sorted(everyone))
        sys.exit(f"no person {options.person!r} in {options.realm}; there are {known_people}")
    roles = everyone[options.person]
    folders = {one.name: os.path.relpath(one.folder) for one in listed}
    for line in explain(found, known, roles, options.agent, options.tool, folders):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
