"""What stands in the repository already, and whether a new server may be put beside it."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from mcp_gateway.configuration.settings import ConfigError
from mcp_local.plan import EVERY_SERVER, plan
from mcp_local.stack_toml import StackTomlError
from mcp_playbook.new_server.names import Names, RefusedError
from mcp_playbook.upgrade import ownership


@dataclass(frozen=True)
class Spots:
    """Where a new server goes."""

    root: Path
    made: Names

    @property
    def server(self) -> Path:
        return self.root / "servers" / self.made.name

    @property
    def tests(self) -> Path:
        return self.root / "tests" / "servers" / self.made.port

    @property
    def listing(self) -> Path:
        return self.root / "gateway" / "gateway.yaml"

    def shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def refuse_if_kits(spots: Spots) -> None:
    """Refuse to take out a server that came with the kit: more hangs on it than on a new one.

    Raises:
        RefusedError: it did.

    """
    path = spots.shown(spots.server / "policy.yaml")
    if ownership.read(spots.root / ownership.FILE).folder_of(path) is not None:
        raise RefusedError(
            f"{spots.made.name} came with the kit. Take its line out of gateway/gateway.yaml; what "
            "else may go is under [removable] in playbook/ownership.toml."
        )


def refuse_if_taken(spots: Spots) -> None:
    """Refuse a name that something has already, before anything is written.

    Raises:
        RefusedError: what has it, and what to do.

    """
    name = spots.made.name
    try:
        parts = {part.name: part for part in plan(spots.root).parts}
    except (ConfigError, StackTomlError) as error:
        raise RefusedError(
            f"The stack as it is cannot be read; mend that first.\n{error}"
        ) from error
    if name in parts and parts[name].kind == "server":
        where = parts[name].folder
        raise RefusedError(
            f"{name} is listed in gateway/gateway.yaml already: {where}. Nothing was changed.\n"
            f"Take another name, or this one out first:\n  make new-server NAME={name} REMOVE=1"
        )
    _refuse_if_half_there(spots)
    if taken := {name, f"{name}-sandbox"} & {*parts, EVERY_SERVER}:
        raise RefusedError(
            f"NAME={name}: the stack has a part called {taken.pop()}; choose another name."
        )
    if (found := importlib.util.find_spec(spots.made.package)) is not None:
        raise RefusedError(
            f"NAME={name}: a package called {spots.made.package} is installed already "
            f"({found.origin or 'no origin'}); choose another name."
        )


def _refuse_if_half_there(spots: Spots) -> None:
    there = [spots.shown(path) for path in (spots.server, spots.tests) if path.exists()]
    if there:
        name = spots.made.name
        raise RefusedError(
            f"{' and '.join(there)}: there already, and gateway/gateway.yaml does not list {name}. "
            "Nothing was changed.\nIs it yours? Then list it: add the line `- "
            f"{name}` under `servers:`.\nDid an earlier run stop half-way? Then put it aside and "
            f"begin again:\n  make new-server NAME={name} REMOVE=1"
        )
