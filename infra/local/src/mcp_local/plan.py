"""What a stack consists of: the base services, every listed server and the sandboxes they ask for.

Reads files and decides nothing about processes: `supervisor` runs what is planned here.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal

from mcp_gateway.configuration.settings import Server, load, servers
from mcp_local.stack_toml import (
    BaseFile,
    BaseService,
    PartFile,
    Setup,
    StackTomlError,
    read_base,
    read_part,
)

EVERY_SERVER = "servers"  # in `needs`: all servers that gateway.yaml lists
Kind = Literal["postgres", "valkey", "service", "server", "sandbox"]


@dataclass(frozen=True)
class Part:
    """One process with its preparation; without a command, preparation alone."""

    name: str
    kind: Kind
    folder: Path
    command: tuple[str, ...] = ()
    health: str | None = None
    patience: int | None = None  # seconds to the first healthy answer
    needs: tuple[str, ...] = ()
    setup: tuple[Setup, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    public: Literal["gateway", "issuer"] | None = None
    unless: str | None = None  # the environment variable that makes this part idle
    fronts: tuple[str, ...] = ()  # whose public ports it holds in their stead
    resource: str = ""  # a server's identity, its audience
    replica_of: str = ""  # the first of several alike has its name to itself: gateway, gateway-2
    number: int = 1  # among them

    @property
    def wants_port(self) -> bool:
        return self.kind in ("postgres", "valkey") or bool(self.command)

    def texts(self) -> Iterator[str]:
        """Every text of this part that may hold a placeholder."""
        yield from self.command
        yield from self.env.values()
        for step in self.setup:
            yield from step.command
            yield from step.env.values()


@dataclass(frozen=True)
class Plan:
    """All parts, each after the parts it needs."""

    parts: tuple[Part, ...]
    fingerprint: str
    defaults: Mapping[str, str] = field(default_factory=dict)  # below the user's own environment

    def part(self, name: str) -> Part:
        for part in self.parts:
            if part.name == name:
                return part
        known = ", ".join(part.name for part in self.parts)
        raise LookupError(f"The stack has no {name!r}; it has {known}.")

    def fronted(self) -> frozenset[str]:
        return frozenset(name for part in self.parts for name in part.fronts)

    def replicas(self, name: str) -> tuple[Part, ...]:
        """All that do this part's work, the first one first."""
        return tuple(part for part in self.parts if name in (part.name, part.replica_of))

    def servers(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.kind == "server")

    def levels(self) -> list[list[Part]]:
        """Groups of parts; every group needs only groups before it."""
        sorter = TopologicalSorter({part.name: set(part.needs) for part in self.parts})
        sorter.prepare()
        groups = []
        while sorter.is_active():
            ready = sorter.get_ready()
            groups.append([part for part in self.parts if part.name in ready])
            sorter.done(*ready)
        return groups


def listed_servers(root: Path) -> tuple[Server, ...]:
    """As the gateway itself reads its list: what it would not serve is not started either."""
    file = root / "gateway" / "gateway.yaml"
    return tuple(servers(load(file), file))


def plan(root: Path, choices: Collection[str] = (), replicas: int = 1) -> Plan:
    """Read the whole stack of a clone, in dependency order."""
    base = read_base(root / "infra" / "local" / "stack.toml")
    listed = listed_servers(root)
    parts: dict[str, Part] = {}

    def add(part: Part) -> None:
        if (earlier := parts.get(part.name)) and earlier.folder != part.folder:
            raise StackTomlError(f"Two parts named {part.name!r}: {earlier.folder}, {part.folder}.")
        parts[part.name] = part

    for name, service in _chosen(base, choices).items():
        for part in _replicas(_service(root, name, service, listed), service, replicas):
            add(part)
    for server in listed:
        for part in _server(root, server, base):
            add(part)
    # nobody waits for what another choice would have brought
    absent = base.services.keys() - parts.keys()
    for name, part in parts.items():
        parts[name] = replace(part, needs=tuple(n for n in part.needs if n not in absent))
    defaults = base.parts.env
    return Plan(_ordered(parts), _fingerprint(root, parts.values(), defaults), defaults)


def _chosen(base: BaseFile, choices: Collection[str]) -> dict[str, BaseService]:
    """The services of these choices, under the names they have there."""
    made = {n: s for n, s in base.services.items() if s.when is None or s.when in choices}
    for name, service in tuple(made.items()):
        if service.instead_of is not None:
            if service.instead_of not in made:
                raise StackTomlError(f"{name} is instead of {service.instead_of}, which is not.")
            made[service.instead_of] = made.pop(name)
    return made


def _service(root: Path, name: str, service: BaseService, listed: tuple[Server, ...]) -> Part:
    process = service.process
    needs = service.needs + (process.needs if process else ())
    everyone = tuple(server.name for server in listed)
    return Part(
        name=name,
        kind=service.own or "service",
        folder=root / "infra" / "local",
        command=process.command if process else (),
        health=process.health if process else None,
        patience=process.patience if process else None,
        needs=tuple(n for n in needs if n != EVERY_SERVER)
        + (everyone if EVERY_SERVER in needs else ()),
        setup=service.setup,
        env=service.env,
        public=service.public,
        unless=service.unless,
        fronts=service.fronts,
    )


def _replicas(first: Part, service: BaseService, count: int) -> Iterator[Part]:
    """The part, and further ones like it; they share what the first prepares."""
    if service.replicated is None or count == 1:
        yield first
        return
    first = replace(first, env={**first.env, **service.replicated})
    yield first
    for number in range(2, count + 1):
        yield replace(
            first,
            name=f"{first.name}-{number}",
            setup=(),
            public=None,
            replica_of=first.name,
            number=number,
        )


def _server(root: Path, server: Server, base: BaseFile) -> Iterator[Part]:
    file = server.folder / "stack.toml"
    if not file.is_file():
        raise StackTomlError(f"{file} is missing; it says how to run the listed server.")
    for part in _part(root, server.name, "server", file, read_part(file), base):
        yield replace(part, resource=server.resource) if part.kind == "server" else part


def _part(
    root: Path, name: str, kind: Kind, file: Path, content: PartFile, base: BaseFile
) -> Iterator[Part]:
    process = content.process
    sandboxes = content.sandboxes + (process.sandboxes if process else ())
    needs = content.needs + (process.needs if process else ())
    if kind == "server":
        needs += base.servers.needs
    for sandbox in sandboxes:
        own = _sandbox_file(root, file, sandbox)
        needs += (own.parent.name,)
        yield from _part(root, own.parent.name, "sandbox", own, read_part(own), base)
    yield Part(
        name=name,
        kind=kind,
        folder=file.parent,
        command=process.command if process else (),
        health=process.health if process else None,
        patience=process.patience if process else None,
        needs=tuple(dict.fromkeys(needs)),
        setup=content.setup,
        env={**(base.servers.env if kind == "server" else {}), **content.env},
    )


def _sandbox_file(root: Path, file: Path, sandbox: str) -> Path:
    # a server folder outside the repository may bring a sandbox of its own, next to its stack.toml
    for folder in (file.parent / sandbox, root / sandbox):
        if (folder / "stack.toml").is_file():
            return folder.resolve() / "stack.toml"
    raise StackTomlError(f"{file}: no stack.toml in sandbox {sandbox!r}.")


def _ordered(parts: Mapping[str, Part]) -> tuple[Part, ...]:
    for part in parts.values():
        if unknown := set(part.needs) - parts.keys():
            raise StackTomlError(
                f"{part.folder / 'stack.toml'}: {part.name} needs {', '.join(sorted(unknown))}, "
                f"which the stack does not have; it has {', '.join(parts)}."
            )
    try:
        order = TopologicalSorter({p.name: p.needs for p in parts.values()}).static_order()
        return tuple(parts[name] for name in order)
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise StackTomlError(f"These wait for each other: {circle}.") from error


def _fingerprint(root: Path, *content: object) -> str:
    """Changes when a running stack no longer is what the files describe."""
    digest = hashlib.sha256(repr(content).encode())
    for file in (root / "gateway" / "gateway.yaml", root / "infra" / "keycloak" / "realm.json"):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
