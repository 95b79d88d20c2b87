"""One admitted call, to its server and back; whatever happens meanwhile is an outcome."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mcp_gateway.call import Answer, Emit, Grant, Receipt
from mcp_gateway.listing.lists import kept_private
from mcp_gateway.record import GONE
from mcp_gateway.steps import Steps
from mcp_gateway.upstream.rounds import Rounds

ENDED = Answer(status="cancelled", reason="gateway_ended", error={})
BROKEN = Answer(status="unknown", reason="internal_error", error={})

# said with a cancellation that is not the caller's
ENDING = "the gateway ends"


@dataclass
class Carry:
    steps: Steps
    rounds: Rounds
    # a call that became a task at its server, as this client is told; other answers as they are
    begun: Callable[[Grant, Answer], Answer]

    async def __call__(
        self, receipt: Receipt, emit: Emit | None = None, sent: Receipt | None = None
    ) -> Answer:
        """Forward; when the caller goes away meanwhile, that is an outcome like any other.

        `sent`: what the server gets, where it has other names for it than the record.
        """
        try:
            answer = await self.steps.forward(sent or receipt, emit)
            if receipt.grant.call.tasks:
                answer = self.begun(receipt.grant, answer)
            return kept_private(receipt.grant.call, self.rounds.asked(receipt.grant, answer))
        except asyncio.CancelledError as cancelled:
            # whoever ends the process says so, the server underneath too; a caller just leaves
            ended = ENDED if cancelled.args else GONE
            await self.steps.record.close(receipt, ended)
            raise
        except BaseException:  # a bug of ours: nobody knows what the server did
            await self.steps.record.close(receipt, BROKEN)
            raise
