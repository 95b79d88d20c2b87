"""Small makings for the tests of the gateway's files: a policy, a catalogue, calls and people."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mcp_gateway.call import Call, Principal, Raw
from mcp_gateway.configuration.settings import Rate
from mcp_gateway.definitions.catalogue import Catalogue, Pinned
from mcp_gateway.rights.policy import Agent, Family, Policy, Rule
from mcp_gateway.rights.policy_file import Kind
from mcp_shared.validation import Arguments

A_MINUTE = Rate(calls=60, seconds=60)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["n"],
    "additionalProperties": False,
}


def a_rule(
    name: str = "read_it",
    *,
    server: str = "one",
    family: Family = "tool",
    kind: Kind = "read",
    roles: tuple[str, ...] = ("analyst",),
    rate: Rate = A_MINUTE,
    rates: Mapping[str, Rate] | None = None,
    redact: tuple[str, ...] = (),
) -> Rule:
    return Rule(
        server=server, family=family, name=name, roles=frozenset(roles), kind=kind, rate=rate,
        rates=rates or {}, timeout=1.0, redact=redact,
    )  # fmt: skip


def a_policy(*rules: Rule, agents: Mapping[str, Agent] | None = None) -> Policy:
    return Policy(
        version="v1",
        rules={(rule.server, rule.family, rule.name): rule for rule in rules},
        patterns=tuple(rule for rule in rules if "*" in rule.name),
        agents=agents or {"desk": Agent(may=["read", "write"], tools=["*"])},
    )


def a_catalogue(*servers: str, tools: tuple[str, ...] = ("read_it", "write_it")) -> Catalogue:
    return Catalogue(
        servers={
            server: Pinned(
                server=server, title=server.title(), version="1", instructions=f"About {server}.",
                resources=True,
                tools={tool: {"name": tool, "inputSchema": SCHEMA, "hash": f"h-{tool}"} for tool in tools},
                prompts={"ask": {"name": "ask", "hash": "h-ask"}},
                arguments={tool: Arguments(SCHEMA) for tool in tools},
            )
            for server in servers or ("one",)
        }
    )  # fmt: skip


def a_principal(*roles: str, agent: str = "desk", username: str = "ana") -> Principal:
    return Principal(
        issuer="https://id.example", subject=f"sub-{username}", username=username, name="",
        roles=frozenset(roles), groups=frozenset(), agent=agent, expires=2**40,
        token_hash=username.encode(), token=f"token-of-{username}",
    )  # fmt: skip


def a_call(
    name: str | None = "one_read_it",
    *,
    method: str = "tools/call",
    endpoint: str = "",
    arguments: Mapping[str, Any] | None = None,
    era: Any = "modern",
    **params: Any,
) -> Call:
    given = {"n": 1} if arguments is None else dict(arguments)
    key = "uri" if method == "resources/read" else "name"
    everything = {key: name, "arguments": given, **params}
    return Call(
        id="call-1", endpoint=endpoint, era=era, version="2026-07-28", request_id=Raw(b"7"),
        method=method, name=name,
        params={k: Raw(msgspec.json.encode(v)) for k, v in everything.items()},
        meta={}, arguments=given, size=100,
    )  # fmt: skip
