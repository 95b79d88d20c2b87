"""The switches as one replica knows them: read from Postgres whenever Valkey's bell rings anew.

The bell is one value that every change replaces and every counted call reads along. A replica
that sees another value than before reads the table before it goes on, so a change holds from the
next call. Valkey lost or its data lost: the bell is another, or the table is read every two
seconds anyhow. Postgres lost: no call is made at all, because none can be recorded.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from mcp_gateway.call import Principal
from mcp_gateway.refusals import Refusal, unavailable
from mcp_gateway.switches import table
from mcp_gateway.switches.state import Closed, blocked, closed_by

log = logging.getLogger(__name__)

AGAIN_SECONDS = 2.0
BELL = "{mcp}:bell"

# how a caller is sent to sign in again, by endpoint
SignInAgain = Callable[[str, str], Refusal]


class Switches:
    """Open with `start`, close with `aclose`."""

    def __init__(
        self,
        url: str,
        sign_in_again: SignInAgain,
        closes: Callable[[frozenset[str]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._sign_in_again = sign_in_again
        # told the blocked tools, whenever they may have changed
        self._closes = closes
        self._clock = clock
        self._connection: table.Connection | None = None
        self._lock = asyncio.Lock()
        self._bell: bytes | None = None
        self._watch: asyncio.Task[None] | None = None
        self.closed = Closed()

    async def start(self) -> None:
        """Read the table once; without it nobody is let in."""
        await self._read()
        self._watch = asyncio.create_task(self._again_and_again())

    async def aclose(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        if self._connection is not None:
            with contextlib.suppress(*table.FAULTS):
                await self._connection.close(timeout=table.SECONDS)

    async def heard(self, bell: bytes) -> None:
        """Go on when the bell is the known one; else read what has changed first.

        Raises:
            Refusal: the table cannot be read.

        """
        if bell == self._bell:
            return
        async with self._lock:
            if bell == self._bell:
                return
            try:
                await self._read()
            except table.FAULTS as error:
                log.warning("switches unread", extra={"error": type(error).__name__})
                raise unavailable(
                    "switches_unavailable", "What operators have closed cannot be read."
                ) from error
            # noted after reading: whatever changes meanwhile rings once more
            self._bell = bell

    def check(self, principal: Principal, endpoint: str) -> None:
        """Let them pass unless they are blocked, or their token is revoked.

        Raises:
            Refusal: 403, or 401 with the way to sign in again.

        """
        kind = self.closed.blocks(principal, self._clock())
        if kind is not None:
            raise blocked(kind)
        if self.closed.revokes(principal):
            raise self._sign_in_again(endpoint, "revoked")

    def ends(self, username: str, subject: str, since: float) -> bool:
        """Whether a sign-in of then, to the console, is over; known two seconds late at most."""
        return self.closed.ends(username, subject, since, self._clock())

    async def _read(self) -> None:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await table.connect(self._url)
            self.closed = closed_by(await table.closed(self._connection))
        except table.FAULTS:
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
            raise
        self._closes(self.closed.closed_tools(self._clock()))

    async def _again_and_again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                async with self._lock:
                    await self._read()
            except table.FAULTS as error:
                log.warning("switches unread", extra={"error": type(error).__name__})
