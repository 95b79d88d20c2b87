"""The pinned definitions: what each server offers, as it was reviewed in tools.lock.json.

Lists are answered from here, filtered by the policy's own decision, so nothing fans out and
nothing leaks. A definition that a server now serves differently is drift: it is quarantined until
the lock file changes.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_gateway.call import AGGREGATE
from mcp_gateway.configuration.settings import ConfigError, Server
from mcp_gateway.definitions import quarantine
from mcp_gateway.definitions.mirror import Mirror, mirrors
from mcp_gateway.rights.policy import Family
from mcp_shared.contract import definition_hash
from mcp_shared.renames import Renamed, renamed_from
from mcp_shared.validation import Arguments

Visible = Callable[[str, Family, str], bool]


@dataclass(frozen=True)
class Pinned:
    """One server's lock file."""

    server: str
    title: str
    version: str
    instructions: str
    resources: bool
    tools: Mapping[str, Mapping[str, Any]]
    prompts: Mapping[str, Mapping[str, Any]]
    arguments: Mapping[str, Arguments]
    completions: bool = False
    tasks: bool = False
    # of each tool that has some: the arguments that clients repeat in headers
    mirrored: Mapping[str, tuple[Mirror, ...]] = field(default_factory=dict)
    # by earlier name: the present one, and until when the earlier one answers
    renamed: Mapping[str, tuple[str, Renamed]] = field(default_factory=dict)
    # of the very bytes that were read
    digest: str = ""


@dataclass
class Catalogue:
    servers: Mapping[str, Pinned]
    # (server, family, name) that a server serves otherwise than pinned
    drifted: set[tuple[str, Family, str]] = field(default_factory=set)
    # tools that an operator has blocked, as named on the aggregate endpoint
    closed: frozenset[str] = frozenset()

    def definition(self, server: str, family: Family, name: str) -> str | None:
        """The pinned hash; None for what is not pinned."""
        known = self._known(server, family).get(name)
        return None if known is None else str(known["hash"])

    def pinned(self, server: str, family: Family, name: str) -> Mapping[str, Any]:
        """The definition as it was reviewed."""
        return self._known(server, family)[name]

    def arguments(self, server: str, tool: str) -> Arguments:
        return self.servers[server].arguments[tool]

    def mirrored(self, server: str, tool: str | None) -> tuple[Mirror, ...]:
        return self.servers[server].mirrored.get(tool or "", ())

    def quarantined(self, server: str, family: Family, name: str) -> bool:
        return (server, family, name) in self.drifted

    def drifts(self) -> Mapping[str, int]:
        """By server, how many definitions are in quarantine."""
        found = Counter(server for server, _, _ in self.drifted)
        return {server: found[server] for server in self.servers}

    def swap(self, servers: Mapping[str, Pinned]) -> None:
        """Go over to other definitions of the same servers, all at once."""
        self.servers = servers
        self.drifted = {
            (server, family, name)
            for server, family, name in self.drifted
            if name in self._known(server, family)
        }

    def close(self, tools: frozenset[str]) -> None:
        """Close these and open all others."""
        self.closed = tools

    def blocked(self, server: str, family: Family, name: str) -> bool:
        return bool(self.closed) and family == "tool" and f"{server}_{name}" in self.closed

    def tools(self, endpoint: str, visible: Visible) -> list[dict[str, Any]]:
        return list(self._listed(endpoint, "tool", visible))

    def prompts(self, endpoint: str, visible: Visible) -> list[dict[str, Any]]:
        return list(self._listed(endpoint, "prompt", visible))

    def on(self, endpoint: str) -> Iterable[Pinned]:
        return self.servers.values() if endpoint == AGGREGATE else (self.servers[endpoint],)

    def compare(self, server: str, family: Family, served: Iterable[Mapping[str, Any]]) -> set[str]:
        """Note which pinned definitions a server serves otherwise or no longer; their names."""
        now: dict[str, str | None] = {}
        for one in served:
            name, found = str(one.get("name")), hash_of(one)
            # one name with two meanings is neither
            now[name] = found if now.get(name, found) == found else None
        wrong = {
            name
            for name, pinned in self._known(server, family).items()
            if now.get(name) != pinned["hash"]
        }
        self.drifted = {key for key in self.drifted if key[:2] != (server, family)} | {
            (server, family, name) for name in wrong
        }
        return wrong

    def pins(self, server: str, family: Family) -> bool:
        """Whether there is anything a server could serve otherwise."""
        return bool(self._known(server, family))

    def _known(self, server: str, family: Family) -> Mapping[str, Mapping[str, Any]]:
        pinned = self.servers[server]
        return pinned.tools if family == "tool" else pinned.prompts if family == "prompt" else {}

    def _listed(self, endpoint: str, family: Family, visible: Visible) -> Iterator[dict[str, Any]]:
        for pinned in self.on(endpoint):
            for name, definition in self._known(pinned.server, family).items():
                if (pinned.server, family, name) in self.drifted:
                    continue
                if self.blocked(pinned.server, family, name):
                    continue
                if not visible(pinned.server, family, name):
                    continue
                shown = f"{pinned.server}_{name}" if endpoint == AGGREGATE else name
                yield {**{k: v for k, v in definition.items() if k != "hash"}, "name": shown}


def hash_of(served: Mapping[str, Any]) -> str | None:
    """None for what cannot be a pinned definition, such as a number no JSON library agrees on."""
    try:
        return definition_hash(served)
    except (TypeError, ValueError, RecursionError):
        return None


def load(servers: Iterable[Server]) -> Catalogue:
    """Read every listed server's tools.lock.json.

    Raises:
        ConfigError: missing, not JSON, a definition that does not match its own hash, or one that
            no model should read.

    """
    found = {server.name: _pinned(server) for server in servers}
    quarantine.insist(found)
    return Catalogue(servers=found)


def _pinned(server: Server) -> Pinned:
    path = server.folder / "tools.lock.json"
    try:
        return _parsed(server.name, path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(f"{path}: missing; write it with `make tools-lock`") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except EditedError as error:
        raise ConfigError(
            f"{path}: {error} was edited by hand; `make tools-lock` and review"
        ) from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a lock file ({error}); `make tools-lock`") from error


class EditedError(Exception):
    """A definition that is not what its hash says."""


def _parsed(server: str, raw: bytes) -> Pinned:
    document = json.loads(raw.decode("utf-8"))
    tools = {tool["name"]: tool for tool in document["tools"]}
    prompts = {prompt["name"]: prompt for prompt in document["prompts"]}
    for name, definition in [*tools.items(), *prompts.items()]:
        if definition_hash(definition) != definition.get("hash"):
            raise EditedError(name)
    return Pinned(
        server=server,
        title=str(document.get("title") or server),
        version=str(document.get("version", "")),
        instructions=str(document.get("instructions") or ""),
        resources=bool(document.get("resources")),
        tools=tools,
        prompts=prompts,
        arguments={name: Arguments(tool["inputSchema"]) for name, tool in tools.items()},
        completions=bool(document.get("completions")),
        tasks=bool(document.get("tasks")),
        mirrored={
            name: found for name, tool in tools.items() if (found := mirrors(tool["inputSchema"]))
        },
        renamed={
            earlier.name: (name, earlier)
            for name, tool in tools.items()
            if (earlier := renamed_from(tool))
        },
        digest=hashlib.sha256(raw).hexdigest()[:12],
    )
