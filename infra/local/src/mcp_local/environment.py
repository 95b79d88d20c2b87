"""The environment a part's process gets: the stack's defaults, the user's own without what only
the stack may know, and what the part itself says; each over the one before.
"""

import os
from collections.abc import Mapping

from mcp_local.fill import Filler
from mcp_local.leftovers import MARK
from mcp_local.plan import Part

# superuser addresses, and what would make a child believe it is part of another stack or of make
WITHHELD = ("DATABASE_URL", "REDIS_URL", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV")
LOOPBACK = "localhost,127.0.0.1"


def inherited(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    kept = {
        key: value
        for key, value in environ.items()
        if key not in WITHHELD and not key.startswith("STACK_")
    }
    # a company's proxy must not be asked for this machine's own addresses
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(part for part in (kept.get(name, ""), LOOPBACK) if part)
    return kept


def base(part: Part, filler: Filler) -> dict[str, str]:
    """What every process and setup command of a part gets."""
    defaults = filler.environment(filler.plan.defaults, part)
    env = {**defaults, **inherited(), "PYTHONUNBUFFERED": "1", MARK: str(filler.place.run)}
    if part.name in filler.ports:
        env["PORT"] = env["MCP_PORT"] = str(filler.ports[part.name])
    return env


def of_process(part: Part, filler: Filler) -> dict[str, str]:
    return {**base(part, filler), **filler.environment(part.env, part)}


def of_setup(part: Part, own: Mapping[str, str], filler: Filler) -> dict[str, str]:
    return {**of_process(part, filler), **filler.environment(own, part)}
