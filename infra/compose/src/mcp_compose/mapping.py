"""mapping.toml: which service is which native part, and the reasons where the two differ."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mcp_local.plan import Part

FILE = Path("infra/compose/mapping.toml")
Port = Annotated[int, Field(ge=1, le=65535)]
Reason = Annotated[str, Field(min_length=10)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Counterpart(_Strict):
    """What stands for a part; by default the service of its name."""

    service: str | None = None
    services: tuple[str, ...] = ()
    setup: str | None = None
    port: Port | None = None
    # why command, settings and health are its own
    itself: Reason | None = None
    # variables that exist here alone
    more: dict[str, Reason] = {}

    def names(self, part: Part) -> tuple[str, ...]:
        return self.services or ((self.service or part.name,) if part.wants_port else ())


class Servers(_Strict):
    port: Port


class Mapping(_Strict):
    parts: dict[str, Counterpart]
    servers: Servers
    # text of stack.toml → path on a volume
    shared: dict[str, str] = {}
    only_here: dict[str, Reason]
    secrets: dict[str, str]

    def of(self, part: Part) -> Counterpart:
        if part.name in self.parts:
            return self.parts[part.name]
        return Counterpart(port=self.servers.port) if part.kind == "server" else Counterpart()


def read(root: Path) -> Mapping:
    return Mapping.model_validate(tomllib.loads((root / FILE).read_text("utf-8")))
