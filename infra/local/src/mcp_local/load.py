"""A stack read from disk: its place, its plan and what fills its placeholders."""

import json
from dataclasses import dataclass
from functools import cached_property

from mcp_local.fill import Filler
from mcp_local.place import Place, place, prepare
from mcp_local.plan import Plan, plan
from mcp_local.secret_files import Secrets


@dataclass(frozen=True)
class Stack:
    """The plan is read when first asked for: `make down` works whatever the files say."""

    here: Place

    @cached_property
    def plan(self) -> Plan:
        return plan(self.here.root, self.here.choices, self.here.replicas)

    def filler(self) -> Filler:
        """With the ports this stack was last started on."""
        prepare(self.here)
        file = self.here.ports
        ports = json.loads(file.read_text()) if file.is_file() else {}
        secrets = Secrets(self.here.secrets)
        secrets.make_keys()
        secrets.get("demo-password")
        return Filler(self.here, self.plan, ports, secrets)


def load() -> Stack:
    return Stack(place())
