"""What `make up` and `make ps` show: progress while a stack starts, and its table."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from mcp_local.board import READY, Board, PartState
from mcp_local.place import Place

LOG_COLUMNS = 120  # of a table that goes into a file, where nothing tells the width
_in_a_log = not sys.stdout.isatty()
console = Console(
    highlight=False,
    soft_wrap=_in_a_log,
    width=LOG_COLUMNS if _in_a_log and "COLUMNS" not in os.environ else None,
)
COLOURS = {"healthy": "green", "prepared": "green", "unwell": "red", "restarting": "red"}
STILL_SECONDS = 10.0  # how often a log file without a terminal hears that a long step goes on


def age(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def address(part: PartState, here: Place) -> str:
    if part.name == "gateway" and here.replicas == 1:
        return here.gateway
    if part.name in ("tls", "balancer") and here.replicas > 1:
        return here.gateway
    if part.name == "issuer":
        return here.issuer_base
    return f"127.0.0.1:{part.port}" if part.port else ""


def table(board: Board, here: Place, *, brief: bool = False) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="dim")
    columns = ("part", "address", "health", "since") + (() if brief else ("pid", "restarts", ""))
    for column in columns:
        shown.add_column(column, no_wrap=column != "")
    for part in board.parts.values():
        colour = COLOURS.get(part.status, "yellow")
        row = [
            part.name,
            address(part, here),
            f"[{colour}]{part.status}[/]",
            age(time.time() - part.since) if part.since else "",
        ]
        if not brief:
            row += [str(part.pid or ""), str(part.restarts or ""), part.detail]
        shown.add_row(*row)
    return shown


@contextmanager
def progress(here: Place) -> Iterator[Callable[[Board], None]]:
    """A table that moves on a terminal; one line per change in a log."""
    if not console.is_terminal:
        yield _lines()
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield lambda board: live.update(table(board, here))


def _lines() -> Callable[[Board], None]:
    seen: dict[str, tuple[str, str]] = {}
    begun = last = time.monotonic()

    def show(board: Board) -> None:
        nonlocal last
        now = time.monotonic()
        for part in board.parts.values():
            step = (part.status, part.detail.partition(":")[0])
            if seen.get(part.name) != step and part.status != "waiting":
                seen[part.name] = step
                last = now
                detail = f": {part.detail}" if part.detail else ""
                console.print(
                    f"{now - begun:6.1f} s  {part.name} {part.status}{detail}", markup=False
                )
        busy = [part for part in board.parts.values() if part.status not in READY]
        if busy and now - last > STILL_SECONDS:
            last = now
            for part in busy:
                if part.status != "waiting":
                    detail = f": {part.detail}" if part.detail else ""
                    console.print(
                        f"{now - begun:6.1f} s  {part.name} still {part.status}{detail}",
                        markup=False,
                    )

    return show
