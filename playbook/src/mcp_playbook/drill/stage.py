"""The stack a drill plays on: parts are stopped, paused, killed and found well again.

Only processes that this stack's own board names are touched.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from mcp_local import control, environment, ledger_view, postgres
from mcp_local.board import PartState, read_board
from mcp_local.fill import with_database
from mcp_local.load import Stack
from mcp_local.stack import place_for_test
from mcp_local.stack import running as running_stack

COMMAND_SECONDS = 120
BACK_SECONDS = 40.0
# a developer's own choices that must not reach a stack whose parts are about to be destroyed
FOREIGN = ("DATABASE_URL", "REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT")
PREFIX = "test-drill-"  # `make clean` leaves folders of running tests alone


@dataclass(frozen=True)
class Stage:
    stack: Stack

    def part(self, name: str) -> PartState:
        board = read_board(self.stack.here.state)
        if board is None:
            raise control.StackError("The drill's stack has no board; it is not running.")
        return board.parts[name]

    def process(self, name: str) -> psutil.Process:
        pid = self.part(name).pid
        if pid is None:
            raise control.StackError(f"{name} has no process.")
        return psutil.Process(pid)

    # --- incidents

    def kill(self, name: str) -> None:
        self.process(name).kill()

    @contextlib.contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """It keeps its port and its connections, and does nothing."""
        process = self.process(name)
        process.suspend()
        try:
            yield
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    @contextlib.contextmanager
    def unattended(self) -> Iterator[None]:
        """Nobody restarts anything meanwhile: the supervisor itself is paused."""
        pid = control.supervisor_pid(self.stack.here)
        if pid is None:
            raise control.StackError("The drill's stack has lost its supervisor.")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextlib.asynccontextmanager
    async def down(
        self, name: str, how: signal.Signals = signal.SIGKILL
    ) -> AsyncIterator[PartState]:
        """One part is ended and stays so; afterwards its supervisor starts it again."""
        before = self.part(name)
        with self.unattended():
            process = self.process(name)
            process.send_signal(how)
            await _ended(process)
            yield before

    # --- recovery

    async def well(self, before: PartState, within: float = BACK_SECONDS) -> float | None:
        """Seconds until the part is healthy as another process; None when it took longer."""
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < within:
            now = self.part(before.name)
            if now.status == "healthy" and now.pid != before.pid:
                return passed
            await asyncio.sleep(0.05)
        return None

    async def restart(self, name: str) -> float | None:
        """As `make restart NAME=…`."""
        before = self.part(name)
        control.restart(self.stack.here, name)
        return await self.well(before)

    # --- what an operator types

    async def gateway(
        self, module: str, *words: str, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """A command of the gateway's own, in the gateway's environment."""
        filler = self.stack.filler()
        its_own = environment.of_process(filler.plan.part("gateway"), filler)
        return await self.run("-m", module, *words, env={**its_own, **env})

    async def local(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`make up` is `python -m mcp_local up`, and so on."""
        return await self.run("-m", "mcp_local", *words, env=control.environment(self.stack.here))

    async def run(self, *words: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run, [sys.executable, *words], cwd=self.stack.here.root, env=dict(env),
            check=False, capture_output=True, text=True, timeout=COMMAND_SECONDS,
        )  # fmt: skip

    async def audit(self, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
        return await self.gateway("mcp_gateway.audit", "verify", *more, **env)

    async def receipt(self, receipt: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """What the verifier says of one caller's receipt."""
        file = self.stack.here.run / "receipt.json"
        file.write_text(json.dumps(receipt))
        return await self.audit("--receipt", str(file))

    async def switch(self, *words: str) -> str:
        """As `make block`, `make unblock`, `make revoke`, `make blocks`: the command and its words.

        Raises:
            StackError: it did not do what was asked.

        """
        done = await self.gateway("mcp_gateway.switches", *words)
        if done.returncode != 0:
            raise control.StackError(done.stderr.strip())
        shown = " ".join(
            f"{word[2:].upper()}={value}"
            for word, value in zip(words[1::2], words[2::2], strict=True)
        )
        return f"make {words[0]} {shown}: {done.stdout.strip()}"

    async def ledger(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """What the ledger holds, read as its reader."""
        connection = await asyncpg.connect(ledger_view.reader_url(self.stack.filler()))
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    def superuser(self, database: str) -> str:
        return with_database(self.stack.filler().postgres, database)


async def _ended(process: psutil.Process) -> None:
    """Its parent is paused and cannot reap it: a zombie holds no port and no connection."""
    deadline = time.monotonic() + 15
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                raise control.StackError(f"{process.pid} does not end.")
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def own_environment(more: Mapping[str, str]) -> Iterator[None]:
    """Nothing of a developer's other services is inherited by a stack started in here."""
    kept = dict(os.environ)
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@contextlib.contextmanager
def stage(
    root: Path, *, source: Path | None = None, more: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """A stack of its own with little data, gone afterwards; `source` is a copy to start it from.

    `more` is added to the environment of every part.
    """
    _sweep(root / ".run")
    folder = run_folder(root)
    with own_environment(more or {}), running_stack(folder, root=source or root) as stack:
        yield Stage(stack)


def run_folder(root: Path) -> Path:
    return root / ".run" / f"{PREFIX}{os.getpid()}-{time.monotonic_ns() % 1_000_000}"


def _sweep(run: Path) -> None:
    """What a drill left that was killed itself."""
    for folder in run.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        # whoever made it is gone
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            here = place_for_test(folder)
            if (supervisor := control.supervisor_pid(here)) is not None and supervisor > 0:
                os.kill(supervisor, signal.SIGCONT)  # paused, it would not hear that it shall end
            control.stop(here)
            postgres.remove(folder / "postgres")
            shutil.rmtree(folder, ignore_errors=True)
