"""Any one process is killed outright: it comes back, and calls succeed again."""

import asyncio
import os
import signal
import time

import pytest
from live.commands import one_allowed_call_each, until_made
from live.conftest import ROOT

from mcp_local.board import PartState, read_board
from mcp_local.load import Stack
from mcp_local.plan import plan

PROCESSES = [part.name for part in plan(ROOT).parts if part.wants_port]
BACK_SECONDS = 60.0
CALLS_SECONDS = 30.0


def state_of(stack: Stack, name: str) -> PartState:
    board = read_board(stack.here.state)
    assert board is not None
    return board.parts[name]


@pytest.mark.parametrize("name", PROCESSES)
async def test_a_killed_process_comes_back_and_calls_succeed_again(stack: Stack, name: str) -> None:
    before = state_of(stack, name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    deadline = time.monotonic() + BACK_SECONDS
    while (now := state_of(stack, name)).pid == before.pid or now.status != "healthy":
        assert time.monotonic() < deadline, now
        await asyncio.sleep(0.1)
    assert now.restarts == before.restarts + 1
    await until_made(stack, one_allowed_call_each(stack), CALLS_SECONDS)
