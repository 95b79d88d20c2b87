"""One replica's process: it listens, and when it is told to end, it leaves before it stops.

Leaving, it still answers whatever comes, and its health says that others should be asked: a
balancer has the time to hear of it. Then it takes no more connections, and ends once the calls
under way are answered.
"""

import contextlib
import signal
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from mcp_gateway.configuration.settings import Settings
from mcp_gateway.door.connection import Connection

SHUTDOWN_SECONDS = 30
# longer than a balancer keeps an idle connection: a call sent into one that is just being closed
# is lost. AWS' balancers keep 60 s by default, ours 30
KEEP_ALIVE_SECONDS = 75


class Leaving(uvicorn.Server):
    """A server that on SIGTERM first says that it leaves; told again, it goes at once."""

    def __init__(self, config: uvicorn.Config, seconds: float, say: Callable[[], None]) -> None:
        super().__init__(config)
        self._seconds = seconds
        self._say = say
        self._gone_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGTERM or self._seconds == 0 or self._gone_at is not None:
            super().handle_exit(sig, frame)
            return
        self._gone_at = time.monotonic() + self._seconds
        self._say()

    async def on_tick(self, counter: int) -> bool:
        if self._gone_at is not None and time.monotonic() >= self._gone_at:
            return True
        return await super().on_tick(counter)


def serve(app: ASGIApp, made: Settings, say: Callable[[], None]) -> None:
    config = uvicorn.Config(
        app,
        host=made.host,
        port=made.port,
        loop="uvloop",
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        # who the client is behind proxies is read in floods.py, from as many as are configured
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    with contextlib.suppress(KeyboardInterrupt):  # raised anew once everything is closed
        Leaving(config, made.leave_seconds, say).run()
