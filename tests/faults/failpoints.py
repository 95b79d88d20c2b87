"""The steps of a call at which a gateway can be made to die, in a gateway started by the launcher.

Nothing of it is in the product: steps are wrapped from outside. One is armed by a file that says
`STEP ACTION MILLISECONDS`; the first call that passes there takes the file away, says so in the
journal, and acts. SIGKILL at a chosen step is worth more than a thousand at random moments: a flush
of a tenth of a millisecond wins almost every race.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp_gateway.audit import store
from mcp_gateway.audit.checkpoints.job import Checkpointing
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.waiting import Failpoints
from mcp_gateway.record import Recorder
from mcp_gateway.upstream.forward import Forward

STEPS = (
    "before_intent",
    "after_intent",
    "mid_upstream",
    "after_upstream",
    "before_block",
    "after_commit",
    "recovery",
    "before_checkpoint",
    "after_checkpoint",
)
MID_SECONDS = 0.005  # half of what the upstream takes


class Armed:
    def __init__(self, folder: Path, replica: str) -> None:
        self._file = folder / f"armed-{replica}"
        self._journal = folder / f"passed-{replica}"
        # the session whose end is a cut connection
        self.connection: Any = None

    async def __call__(self, step: str) -> None:
        try:
            wanted, action, milliseconds = self._file.read_text().split()
        except (FileNotFoundError, ValueError):
            return
        if wanted != step:
            return
        self._file.unlink(missing_ok=True)
        with self._journal.open("a") as journal:
            journal.write(f"{step} {action}\n")
        await asyncio.sleep(int(milliseconds) / 1000)
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if action == "cut" and self.connection is not None:
            self.connection.terminate()
            raise ConnectionResetError("cut by a test")


def install(armed: Armed) -> None:
    """Wrap the steps; call it before the gateway is built, and after any mutant."""

    def at(step: str) -> Callable[[], Awaitable[None]]:
        return lambda: armed(step)

    admit, close, forward = Recorder.admit, Recorder.close, Forward.__call__
    opened, connect = Ledger.open.__func__, store.connect  # type: ignore[attr-defined]
    sessions = 0

    async def admitted(self: Recorder, grant: Any) -> Any:
        await armed("before_intent")
        receipt = await admit(self, grant)
        await armed("after_intent")
        return receipt

    async def forwarded(self: Forward, *given: Any, **named: Any) -> Any:
        async def die() -> None:
            await asyncio.sleep(MID_SECONDS)
            await armed("mid_upstream")

        dying = asyncio.ensure_future(die())
        try:
            return await forward(self, *given, **named)
        finally:
            dying.cancel()

    async def with_failpoints(cls: type[Ledger], *given: Any, **named: Any) -> Ledger:
        points = Failpoints(before_write=at("before_block"), after_commit=at("after_commit"))
        found: Ledger = await opened(cls, *given, **{**named, "failpoints": points})
        return found

    async def connected(*given: Any, **named: Any) -> Any:
        nonlocal sessions
        sessions += 1
        if sessions > 1:
            await armed("recovery")
        armed.connection = await connect(*given, **named)
        return armed.connection

    checkpoint = Checkpointing._write

    async def witnessed(self: Checkpointing, *given: Any) -> None:
        await armed("before_checkpoint")
        await checkpoint(self, *given)
        await armed("after_checkpoint")

    Checkpointing._write = witnessed  # type: ignore[method-assign, assignment]
    Recorder.admit = admitted  # type: ignore[method-assign]
    Recorder.close = _bound(at("after_upstream"), close)  # type: ignore[method-assign]
    Forward.__call__ = forwarded  # type: ignore[method-assign]
    Ledger.open = classmethod(with_failpoints)  # type: ignore[assignment, method-assign]
    store.connect = connected


def _bound(step: Callable[[], Awaitable[None]], method: Any) -> Any:
    async def passed(self: Any, *given: Any, **named: Any) -> Any:
        await step()
        return await method(self, *given, **named)

    return passed
