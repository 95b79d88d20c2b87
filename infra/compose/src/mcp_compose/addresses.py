"""Every placeholder of the stack.toml files, as it is between containers.

Ports and names are fixed here: a container has its network to itself, so nothing has to be found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcp_compose.mapping import Mapping, read
from mcp_local.fill import Filler, with_login
from mcp_local.place import SECURE, Place
from mcp_local.plan import Part, Plan, plan
from mcp_local.secret_files import Secrets

ROOT, RUN = Path("/srv"), Path("/run/mcp")  # in the image of a room
CHOICES = ("tls",)  # as `make up TLS=1`


@dataclass(frozen=True)
class Inside(Filler):
    """Fills as the native stack does; only the addresses are others."""

    mapping: Mapping

    def fill(self, text: str, part: Part) -> str:
        for before, path in self.mapping.shared.items():
            text = text.replace(before, path)
        return super().fill(text, part)

    def url(self, name: str) -> str:
        part = self.plan.part(name)
        # a server listens under the name it has on the network it shares with the gateway
        host = f"{name}.internal" if part.kind == "server" else self.mapping.of(part).names(part)[0]
        return f"http://{host}:{self.ports[name]}"

    @property
    def postgres(self) -> str:
        host, port = self._address("postgres")
        bare = f"postgresql://{host}:{port}/postgres"
        return with_login(bare, "postgres", self.secrets.get("postgres-superuser"))

    @property
    def redis(self) -> str:
        host, port = self._address("valkey")
        return f"redis://:{self.secrets.get('valkey')}@{host}:{port}/0"

    def _address(self, name: str) -> tuple[str, int]:
        part = self.plan.part(name)
        return self.mapping.of(part).names(part)[0], self.ports[name]

    def _placeholders(self, part: Part) -> dict[tuple[str, int], Callable[..., str]]:
        return {**super()._placeholders(part), ("python", 0): lambda: "python"}


def inside(root: Path, secrets: Path, scale: str) -> Inside:
    stack = plan(root, CHOICES)
    return filler(stack, read(root), Secrets(secrets), scale)


def filler(stack: Plan, mapping: Mapping, secrets: Secrets, scale: str) -> Inside:
    gateway, issuer = SECURE
    place = Place(
        root=ROOT, run=RUN, gateway_port=gateway, issuer_port=issuer, scale=scale, tls=True
    )
    ports = {p.name: port for p in stack.parts if (port := mapping.of(p).port) is not None}
    return Inside(place=place, plan=stack, ports=ports, secrets=secrets, mapping=mapping)
