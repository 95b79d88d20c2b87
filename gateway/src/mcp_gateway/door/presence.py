"""Whether the client is still there: what it asked for ends when it leaves.

A closed connection counts as cancellation (Streamable HTTP, section "Cancellation").
"""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive


class Gone(Exception):  # noqa: N818  not an error of ours
    """The client closed its connection."""


class Presence:
    """Inside, the task that entered is cancelled when the client leaves, and that ends in `Gone`.

    Cancelled in place, not as a task of its own that is waited for: this is on every call's way.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = False

    def __enter__(self) -> Self:
        self._inside = asyncio.current_task()
        self._watch = asyncio.create_task(_disconnected(self._receive))
        self._watch.add_done_callback(self._leave)
        return self

    def _leave(self, watch: "asyncio.Task[None]") -> None:
        if not watch.cancelled() and self._inside is not None:
            self._left = True
            self._inside.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watch.remove_done_callback(self._leave)
        self._watch.cancel()
        if self._left and self._inside is not None:
            # ours is answered; somebody else's cancellation still counts
            if self._inside.uncancel() and isinstance(error, asyncio.CancelledError):
                return
            raise Gone from None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
