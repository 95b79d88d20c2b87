"""What is checked: a gateway by its addresses, its people's tokens, and what of the kit is at hand.

Three sources: the local stack, a deployment.toml of yours, or a bare URL. The last has no kit:
only black-box checks can run against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mcp_gateway.configuration.settings import Server
from mcp_local.governed import Call
from mcp_local.load import Stack
from mcp_playbook import wire
from mcp_playbook.tokens import Tokens
from mcp_playbook.wire import Reply

AGGREGATE = ""
SOMEBODY = "whoever the token is for"


@dataclass(frozen=True)
class Endpoint:
    """One MCP endpoint; the aggregate has no name and calls tools `<server>_<tool>`."""

    name: str
    url: str
    scope: str

    @property
    def shown(self) -> str:
        return self.name or urlsplit(self.url).path


@dataclass(frozen=True)
class Launch:
    """How to run a server by itself on this machine."""

    command: Sequence[str]
    env: Mapping[str, str]
    folder: Path


@dataclass(frozen=True)
class Kit:
    """What a deployment of this kit can show beyond its wire. None: not told, not reachable."""

    root: Path
    config: Path
    evidence: Path
    servers: tuple[Server, ...] = ()
    issuer: str | None = None
    # environment in which the gateway's own commands run: audit, switches
    gateway_env: Mapping[str, str] | None = None
    ledger: str | None = None  # URL, as audit_reader
    ledger_missing: str = "ledger_url_env is not set"
    ledger_public: Path | None = None
    internal: Mapping[str, str] = field(default_factory=dict)  # server → its own address
    logs: Path | None = None
    traces: str | None = None  # base URL of Tempo's API
    metrics: str | None = None  # base URL of Prometheus' API
    operator: tuple[str, str] | None = None  # username and password for the console
    launches: Mapping[str, Launch] = field(default_factory=dict)
    stack: Stack | None = None  # whose processes may be ended: the local one's alone


@dataclass(frozen=True)
class Deployment:
    name: str
    origin: str
    endpoints: tuple[Endpoint, ...]
    # calls and what has to come of them, as the demo.toml of each server says
    probes: tuple[Call, ...] = ()
    tokens: Tokens | None = None
    kit: Kit | None = None
    _lists: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def backends(self) -> tuple[Endpoint, ...]:
        """Endpoints that stand for one server each; a bare URL is its own server."""
        return tuple(one for one in self.endpoints if one.name) or self.endpoints

    def allowed(self) -> list[Call]:
        return [probe for probe in self.probes if probe.expect == "allowed"]

    def one_each(self) -> list[Call]:
        """For every server the first call that a person may make."""
        return list({probe.server: probe for probe in reversed(self.allowed())}.values())[::-1]

    def people(self) -> list[str]:
        """Whoever the probes name; with a token and no probes, the one it is for."""
        named = list(dict.fromkeys(probe.person for probe in self.probes))
        return named or ([SOMEBODY] if self.tokens else [])

    def endpoint_of(self, probe: Call) -> Endpoint:
        """The server's own endpoint; the only one, where there is only one."""
        named = [one for one in self.endpoints if one.name == probe.server]
        return (named or list(self.endpoints))[0]

    def tool_at(self, endpoint: Endpoint, probe: Call) -> str:
        split = endpoint.name == AGGREGATE and probe.server
        return f"{probe.server}_{probe.tool}" if split else probe.tool

    async def token(self, person: str, endpoint: Endpoint) -> str | None:
        return await self.tokens(person, endpoint.scope) if self.tokens else None

    async def ask(
        self, endpoint: Endpoint, method: str, params: Mapping[str, Any] | None = None, **more: Any
    ) -> Reply:
        """One request; `person` for a token, or `token` itself, or neither."""
        person = more.pop("person", None)
        if person is not None and "token" not in more:
            more["token"] = await self.token(person, endpoint)
        return await wire.ask(endpoint.url, method, params, **more)

    async def call(self, probe: Call, endpoint: Endpoint | None = None, **more: Any) -> Reply:
        """Make a probe's call as its person, at its server's endpoint or another."""
        at = endpoint or self.endpoint_of(probe)
        arguments = more.pop("arguments", probe.arguments)
        params = {"name": self.tool_at(at, probe), "arguments": arguments}
        if meta := more.pop("meta", None):
            params["_meta"] = meta
        return await self.ask(at, "tools/call", params, **{"person": probe.person, **more})

    async def tools(self, endpoint: Endpoint) -> dict[str, dict[str, Any]]:
        """Definitions by name, over all people of the probes: each sees what is theirs."""
        if endpoint.url not in self._lists:
            found: dict[str, dict[str, Any]] = {}
            people: list[str | None] = [*self.people()] or [None]
            for person in people:
                token = await self.token(person, endpoint) if person else None
                found |= {tool["name"]: tool for tool in await wire.listed(endpoint.url, token)}
            self._lists[endpoint.url] = found
        return self._lists[endpoint.url]
