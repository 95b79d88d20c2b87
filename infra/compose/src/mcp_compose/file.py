"""compose.yaml as tests and checks read it: merged, and each service's parts under one form."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path("infra/compose/compose.yaml")
DEFAULT = re.compile(r"\$\{[A-Z_]+:-([^}]*)\}")  # where the environment says nothing
DONE = "service_completed_successfully"


@dataclass(frozen=True)
class Service:
    name: str
    said: dict[str, Any]

    @property
    def command(self) -> list[str]:
        return [str(word) for word in self.said.get("command") or ()]

    @property
    def environment(self) -> dict[str, str]:
        return {key: str(value) for key, value in (self.said.get("environment") or {}).items()}

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset(self.said.get("secrets") or ())

    @property
    def networks(self) -> frozenset[str]:
        return frozenset(self.said.get("networks") or ())

    def aliases(self) -> dict[str, str]:
        """Name → the one network where it is known."""
        networks = self.said.get("networks") or ()
        named = networks.items() if isinstance(networks, dict) else ()
        return {alias: net for net, more in named for alias in (more or {}).get("aliases", ())}

    @property
    def needs(self) -> dict[str, str]:
        """Service → the condition this one waits for."""
        given = self.said.get("depends_on") or {}
        return {name: str(more["condition"]) for name, more in given.items()}

    @property
    def published(self) -> list[str]:
        return [str(port) for port in self.said.get("ports") or ()]


@dataclass(frozen=True)
class Compose:
    said: dict[str, Any]

    @property
    def services(self) -> dict[str, Service]:
        return {name: Service(name, said) for name, said in self.said["services"].items()}

    def before(self, name: str) -> set[str]:
        """Every service that this one waits for, at any distance."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            service = self.services.get(waiting.pop())  # it may wait for what is not there
            for earlier in service.needs if service else ():
                if earlier not in found:
                    found.add(earlier)
                    waiting.append(earlier)
        return found

    def members(self, network: str) -> set[str]:
        return {name for name, one in self.services.items() if network in one.networks}


def read(root: Path) -> Compose:
    text = (root / FILE).read_text("utf-8")
    return Compose(yaml.safe_load(DEFAULT.sub(r"\1", text)))
