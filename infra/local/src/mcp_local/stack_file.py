"""`.run/stack.json`: what scripts and tests need to know of a running stack. No secret is in it."""

import json
from typing import Any

from mcp_local import own
from mcp_local.fill import Filler
from mcp_local.people import people
from mcp_local.secret_files import KEYS

TELEMETRY = "telemetry"  # the part that answers for traces and metrics


def telemetry(filler: Filler) -> str | None:
    """Where this stack's traces and metrics can be asked for; None when they go elsewhere."""
    parts = [part for part in filler.plan.parts if part.name == TELEMETRY and not own.idle(part)]
    return filler.url(TELEMETRY) if parts else None


def describe(filler: Filler) -> dict[str, Any]:
    here = filler.place
    return {
        "root": str(here.root),
        "run": str(here.run),
        "gateway": here.gateway,
        "mcp": f"{here.gateway}/mcp",
        "console": f"{here.gateway}/console",
        "issuer": here.issuer,
        "telemetry": telemetry(filler),
        "token_endpoint": f"{here.issuer}/protocol/openid-connect/token",
        "scale": here.scale,
        "servers": [
            {
                "name": server.name,
                "folder": str(server.folder),
                "endpoint": f"{here.gateway}/servers/{server.name}/mcp",
                "internal": f"{filler.url(server.name)}/mcp",
            }
            for server in filler.plan.servers()
        ],
        "people": [
            {"username": p.username, "name": p.name, "role": p.role, "groups": list(p.groups)}
            for p in people(here.root)
        ],
        "ports": dict(filler.ports),
        "secrets": {name: str(here.secrets / name) for name in ("demo-password", *KEYS)},
    }


def write(filler: Filler) -> None:
    file = filler.place.stack
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps(describe(filler), indent=2) + "\n")
    aside.replace(file)
