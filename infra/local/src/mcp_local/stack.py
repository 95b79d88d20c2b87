"""A whole stack for a test: its own run folder, its own ports, stopped at the end."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp_local import control, postgres
from mcp_local.place import Place, find_root, prepare
from mcp_local.plan import plan
from mcp_local.ports import free_port


def place_for_test(run: Path, root: Path | None = None, scale: str = "0.01") -> Place:
    """A place beside the developer's own: every folder and public port differs."""
    here = root or find_root(Path.cwd())
    return Place(
        root=here.resolve(),
        run=run.resolve(),
        gateway_port=free_port(),
        issuer_port=free_port(),
        scale=scale,
    )


@contextlib.contextmanager
def running(
    run: Path, *, root: Path | None = None, scale: str = "0.01", within: float = 180.0
) -> Iterator[dict[str, Any]]:
    """Start the stack of `root` in `run`, yield its parsed stack.json, stop it, remove its data."""
    here = place_for_test(run, root, scale)
    prepare(here)
    try:
        control.start(here, plan(here.root))
        control.wait_ready(here, lambda _: None, within)
        yield json.loads(here.stack.read_text())
    finally:
        control.stop(here)
        postgres.remove(here.run / "postgres")
        shutil.rmtree(here.run, ignore_errors=True)
