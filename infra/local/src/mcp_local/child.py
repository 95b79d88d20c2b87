"""One process of the stack in a group of its own: started, and stopped with all its children."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from mcp_local import logfile

GENTLE_SECONDS = 10.0  # then the group is killed


@dataclass(frozen=True)
class Launch:
    """How to start and how to stop one process."""

    command: list[str]
    env: Mapping[str, str]
    folder: Path
    log: Path
    who: Mapping[str, Any] = field(default_factory=dict)  # `subprocess` arguments that drop uid 0
    gentle: signal.Signals = signal.SIGTERM


@dataclass(frozen=True)
class Child:
    """A started process; `log_start` is where its own output begins."""

    process: asyncio.subprocess.Process
    launch: Launch
    exited: asyncio.Task[int]
    created: float
    log_start: int

    @property
    def pid(self) -> int:
        return self.process.pid

    def last_words(self, lines: int = 15) -> list[str]:
        return logfile.tail(self.launch.log, lines, self.log_start)

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.process.returncode
        if code is None:
            return "still runs"
        if code >= 0:
            return f"exited with {code}"
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"


async def start(launch: Launch) -> Child:
    log = logfile.opened(launch.log)
    try:
        log_start = os.fstat(log).st_size
        process = await asyncio.create_subprocess_exec(
            *launch.command,
            cwd=launch.folder,
            env=dict(launch.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **launch.who,
        )
    finally:
        os.close(log)
    exited = asyncio.create_task(process.wait())
    return Child(process, launch, exited, created_at(process.pid) or 0.0, log_start)


async def exit_within(process: Child, seconds: float) -> int | None:
    """Its exit code, or None when it still runs after so long."""
    done, _ = await asyncio.wait({process.exited}, timeout=seconds)
    return process.exited.result() if done else None


async def stop(process: Child) -> None:
    """Ask it to stop; after a while kill. Returns when nothing of its group is left."""
    if process.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.process.send_signal(process.launch.gentle)
        await exit_within(process, GENTLE_SECONDS)
    end_group(process.pid)
    await process.exited


def end_group(pid: int) -> None:
    """Kill what is left of a group whose leader is (or was) our own child."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def created_at(pid: int) -> float | None:
    """With the pid, this names a process for good: pids come round again."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).create_time()
    return None
