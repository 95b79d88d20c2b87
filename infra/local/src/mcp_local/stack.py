"""A whole stack for a test: its own run folder, its own ports, stopped at the end."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from mcp_local import control, postgres
from mcp_local.load import Stack
from mcp_local.place import Place, find_root, prepare
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
) -> Iterator[Stack]:
    """Start the stack of `root` in `run`, wait until it is well; stop it, remove its data."""
    stack = Stack(place_for_test(run, root, scale))
    with started(stack, within):
        yield stack


@contextlib.contextmanager
def started(stack: Stack, within: float = 180.0) -> Iterator[None]:
    """Start a stack at a place of its own and wait until it is well; stop it, remove its data."""
    prepare(stack.here)
    try:
        control.start(stack.here, stack.plan)
        control.wait_ready(stack.here, lambda _: None, within)
        yield
    finally:
        control.stop(stack.here)
        postgres.remove(stack.here.run / "postgres")
        shutil.rmtree(stack.here.run, ignore_errors=True)
