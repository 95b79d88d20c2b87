"""`python -m servers.crm.killed`: the server as it is, which dies at one step of a write.

It lives among the tests, so that no switch of production can arm it. KILLED_AT names the step;
KILLED_PID is a file that gets the number of the process, for who wants to end it.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp_crm.hubspot.api import Api
from mcp_crm.outbox import Outbox
from mcp_shared.serve import main

STEPS: dict[str, tuple[type, str, bool]] = {
    "before the claim": (Outbox, "claim", False),
    "after the claim": (Outbox, "claim", True),
    "before it is noted that it leaves": (Outbox, "sending", False),
    "after it is noted that it leaves": (Outbox, "sending", True),
    "before it is sent": (Api, "write", False),
    "after its answer": (Api, "write", True),
    "before the answer is kept": (Outbox, "done", False),
    "after the answer is kept": (Outbox, "done", True),
}


def arm(owner: type, name: str, *, after: bool) -> None:
    step: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def dying(*arguments: Any) -> Any:
        if after:
            await step(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


if __name__ == "__main__":
    if named := os.environ.get("KILLED_AT"):
        owner, name, after = STEPS[named]
        arm(owner, name, after=after)
    if file := os.environ.get("KILLED_PID"):
        Path(file).write_text(str(os.getpid()), "utf-8")
    main("mcp_crm.server")
