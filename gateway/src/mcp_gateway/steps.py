"""What the paths of calls, of tasks and of what is answered aside have in common.

The order is each path's own; pipeline.py tells it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from mcp_gateway.call import Answer, Emit, Grant, Receipt
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.limits.throttle import Throttle
from mcp_gateway.record import Recorder
from mcp_gateway.rights.policy import Policy


class Forwarding(Protocol):
    async def __call__(self, receipt: Receipt, emit: Emit | None = None) -> Answer: ...


@dataclass
class Steps:
    throttle: Throttle
    policy: Callable[[], Policy]
    catalogue: Catalogue
    # whether a server's definitions were compared with the pinned ones only now; raises a Refusal
    # when they cannot be
    ensure_compared: Callable[[str], Awaitable[bool]]
    record: Recorder
    forward: Forwarding

    async def granted(self, authorize: Callable[[], Grant]) -> Grant:
        """The grant for a server whose definitions are known to be the pinned ones.

        Raises:
            Refusal: not for this person, or the server does not say what it serves.

        """
        grant = authorize()
        # first the right, so that who has none learns nothing of the server; and again after a
        # comparison, as it may have closed what was granted
        if await self.ensure_compared(grant.server):
            grant = authorize()
        return grant
