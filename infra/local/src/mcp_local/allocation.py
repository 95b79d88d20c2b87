"""Which port each part has: public ones fixed, others remembered and moved if busy."""

import json
from collections.abc import Mapping
from pathlib import Path

from mcp_local.place import Place
from mcp_local.plan import Part, Plan
from mcp_local.ports import HIGHEST, LOWEST, free_port, holder, is_free


class PortBusyError(RuntimeError):
    """A public port is held by something else. Its URL is an identity, so it cannot move."""


def _remembered(file: Path) -> dict[str, int]:
    """Of the range that ports are taken from: a public port of before is nobody's inner one."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        name: port
        for name, port in content.items()
        if isinstance(port, int) and LOWEST <= port <= HIGHEST
    }


def public_ports(here: Place) -> Mapping[str, tuple[int, str]]:
    return {
        "gateway": (here.gateway_port, "STACK_GATEWAY_PORT"),
        "issuer": (here.issuer_port, "STACK_ISSUER_PORT"),
    }


def allocate(here: Place, plan: Plan) -> dict[str, int]:
    """Ports for every part, called while nothing of this stack runs."""
    file = here.ports
    before = _remembered(file)
    public = {part.name: _public_port(here, part) for part in plan.parts if part.public}
    ports: dict[str, int] = {}
    for part in plan.parts:
        if part.public and part.name not in plan.fronted():
            ports[part.name] = public[part.name]
        elif part.wants_port:
            port = before.get(part.name, 0)
            taken = {*public.values(), *ports.values()}
            while not port or port in taken or not is_free(port):
                port = free_port()
            ports[part.name] = port
    file.write_text(json.dumps(ports, indent=2) + "\n")
    return ports


def _public_port(here: Place, part: Part) -> int:
    port, variable = public_ports(here)[part.public or ""]
    if not is_free(port):
        another = port + 1000 if port < 60_000 else port - 1000
        who = holder(port) or "a process this user may not see"
        raise PortBusyError(
            f"Port {port} ({part.name}) is held by {who}. Its URL is the {part.name}'s "
            f"identity, so it does not move by itself: stop that process, or take another port "
            f"for good: {variable}={another} make up"
        )
    return port
