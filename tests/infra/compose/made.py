"""The two stacks, read once; and copies of them that a test may spoil."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mcp_compose import file
from mcp_compose.addresses import Inside, inside
from mcp_compose.file import Compose
from mcp_local.plan import Part

ROOT = Path(__file__).parents[3]
KIT = {"warehouse", "crm", "docs"}


@cache
def native() -> Inside:
    return inside(ROOT, Path(mkdtemp(prefix="compose-")) / "made", "0.1")


def kits() -> Inside:
    """Without the servers that a clone has added: for figures that are said in numbers."""
    plan = native().plan
    more = {part.name for part in plan.servers()} - KIT
    parts = tuple(
        part for part in plan.parts
        if part.name not in more and part.name.removesuffix("-sandbox") not in more
    )  # fmt: skip
    return replace(native(), plan=replace(plan, parts=parts))


def compose() -> Compose:
    return file.read(ROOT)


def spoilt(change: Callable[[dict[str, Any]], object]) -> Compose:
    said = copy.deepcopy(compose().said)
    change(said)
    return Compose(said)


def changed(name: str, change: Callable[[Part], Part]) -> Inside:
    """The native stack with one part of it another."""
    plan = native().plan
    parts = tuple(change(part) if part.name == name else part for part in plan.parts)
    return replace(native(), plan=replace(plan, parts=parts))
