"""One keeper in this process: what hangs is ended and started again."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from local.small_stack import clone

from mcp_local import backoff, child, health
from mcp_local import keeper as module
from mcp_local.board import Board, PartState
from mcp_local.fill import Filler
from mcp_local.keeper import Keeper
from mcp_local.place import prepare
from mcp_local.plan import plan
from mcp_local.ports import free_port
from mcp_local.secret_files import Secrets
from mcp_local.stack import place_for_test


async def until_healthy_again(board: Board, before: int | None) -> PartState:
    deadline = time.monotonic() + 20
    while (state := board.parts["alpha"]).status != "healthy" or state.pid in (None, before):
        assert time.monotonic() < deadline, state
        await asyncio.sleep(0.05)
    return state


@asynccontextmanager
async def keeping(folder: Path) -> AsyncIterator[tuple[Keeper, Board]]:
    root = clone(folder / "c")
    here = place_for_test(root / ".run", root)
    prepare(here)
    filler = Filler(here, plan(root), {"alpha": free_port(), "issuer": 1}, Secrets(here.secrets))
    board = Board(here.state, "x", time.time(), {"alpha": PartState("alpha", "server")})
    keeper = Keeper(filler.plan.part("alpha"), filler, board, asyncio.Event(), [], lambda: None)
    task = asyncio.create_task(keeper.keep())
    try:
        yield keeper, board
    finally:
        keeper.stopping = True
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await keeper.stop()


async def test_a_process_that_stays_silent_is_ended_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"SILENT_SECONDS": 1.0, "WATCH_SECONDS": 0.1}.items():
        monkeypatch.setattr(module, name, seconds)
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(child, "GENTLE_SECONDS", 0.5)  # a stopped process hears no SIGTERM
    async with keeping(tmp_path) as (_, board):
        hung = (await until_healthy_again(board, None)).pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        again = await until_healthy_again(board, hung)
        assert again.restarts == 1


async def test_a_process_that_is_asked_to_end_again_and_again_is_in_no_trouble(
    tmp_path: Path,
) -> None:
    async with keeping(tmp_path) as (keeper, board):
        pid: int | None = None
        for restarts in range(backoff.PATIENCE + 2):
            state = await until_healthy_again(board, pid)
            assert (state.restarts, state.trouble, keeper.deaths) == (restarts, [], 0)
            pid = state.pid
            assert pid is not None
            os.kill(pid, signal.SIGTERM)


async def test_a_finished_preparation_leaves_no_pid_behind(tmp_path: Path) -> None:
    """Its pid may soon be another process, which `make restart` would then end."""
    root = clone(
        tmp_path / "c",
        {"alpha": '[[setup]]\ncommand = ["{python}", "-c", "pass"]\n'},
    )
    here = place_for_test(root / ".run", root)
    prepare(here)
    filler = Filler(here, plan(root), {}, Secrets(here.secrets))
    board = Board(here.state, "x", time.time(), {"alpha": PartState("alpha", "server")})
    keeper = Keeper(filler.plan.part("alpha"), filler, board, asyncio.Event(), [], lambda: None)
    await keeper.keep()
    state = board.parts["alpha"]
    assert (state.status, state.pid, state.created) == ("prepared", None, None)
