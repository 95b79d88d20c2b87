"""The background process of a stack: one keeper for each part, stopped in the reverse order.

It holds a file lock as long as it lives, so nobody has to guess from a pid whether it does.
"""

import asyncio
import contextlib
import signal
import time

from mcp_local import leftovers, logfile, own, stack_file
from mcp_local.board import Board, PartState
from mcp_local.fill import Filler
from mcp_local.keeper import Keeper
from mcp_local.lock import held
from mcp_local.place import Place
from mcp_local.plan import Part, Plan

ROTATE_SECONDS = 10.0


async def supervise(here: Place, plan: Plan, filler: Filler, fingerprint: str) -> None:
    """Run the stack until SIGTERM or SIGINT, then stop it and return."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    board = Board(
        file=here.state,
        fingerprint=fingerprint,
        started=time.time(),
        parts={p.name: PartState(p.name, p.kind, port=_port(p, filler)) for p in plan.parts},
    )
    board.save()
    keepers = _keepers(plan, filler, board)
    tasks = [asyncio.create_task(keeper.keep(), name=name) for name, keeper in keepers.items()]
    tasks.append(asyncio.create_task(_rotate_logs(here)))
    ending = asyncio.create_task(over.wait())
    try:
        # a keeper that fails on a bug of ours must not leave a stack that looks well
        watched: set[asyncio.Task[object]] = {ending, *tasks}
        while not ending.done():
            done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        await _stop(plan, keepers, tasks)
        here.stack.unlink(missing_ok=True)


def _port(part: Part, filler: Filler) -> int | None:
    elsewhere = own.external(part, filler) or own.idle(part)
    return None if elsewhere else filler.ports.get(part.name)


def _keepers(plan: Plan, filler: Filler, board: Board) -> dict[str, Keeper]:
    ready = {part.name: asyncio.Event() for part in plan.parts}

    def one_more_ready() -> None:
        if board.ready is None and all(event.is_set() for event in ready.values()):
            stack_file.write(filler)
            board.ready = time.time()
            board.save()

    return {
        part.name: Keeper(
            part=part,
            filler=filler,
            board=board,
            ready=ready[part.name],
            needs=[ready[need] for need in part.needs],
            on_ready=one_more_ready,
        )
        for part in plan.parts
    }


async def _stop(plan: Plan, keepers: dict[str, Keeper], tasks: list[asyncio.Task[None]]) -> None:
    for keeper in keepers.values():
        keeper.stopping = True
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for group in reversed(plan.levels()):
        await asyncio.gather(*(keepers[part.name].stop() for part in group))


async def _rotate_logs(here: Place) -> None:
    while True:
        for file in here.logs.glob("*.log"):
            with contextlib.suppress(OSError):
                logfile.rotate(file)
        await asyncio.sleep(ROTATE_SECONDS)


def run(here: Place, plan: Plan, filler: Filler, fingerprint: str) -> None:
    """The whole life of the supervisor process."""
    with held(here.run / "supervisor.lock"):
        leftovers.end(leftovers.leftovers(here))
        asyncio.run(supervise(here, plan, filler, fingerprint))
