"""The path of one call; read this file first.

Every step hands on a stronger type, so that a skipped step does not type-check:

    Call → authenticate → Principal → throttle → authorize → Grant
         → record (intent) → Receipt → carry → Answer → record (outcome)

Lists, discovery and completion show only what the person may use and change nothing; they are
answered aside, unrecorded (aside.py). Everything else is on the record before it leaves, and its
outcome before its answer does.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from mcp_gateway.call import Answer, Call, Emit, Grant, Principal, Receipt
from mcp_gateway.carry import Carry
from mcp_gateway.definitions.mirror import agreed
from mcp_gateway.definitions.renamed import noted, present
from mcp_gateway.identity.authenticate import Authenticate
from mcp_gateway.listing.aside import Aside
from mcp_gateway.refusals import Refusal
from mcp_gateway.rights.authorize import FAMILIES, authorize, known, seek
from mcp_gateway.steps import Steps
from mcp_gateway.tasks.begin import offered
from mcp_gateway.tasks.requests import METHODS, Tasks
from mcp_gateway.upstream.rounds import Rounds
from mcp_shared.validation import invalid_arguments


@dataclass
class Pipeline:
    authenticate: Authenticate
    steps: Steps
    rounds: Rounds
    carry: Carry
    aside: Aside
    tasks: Tasks
    # what an answer took more than was paid for before
    charge: Callable[[Receipt, Answer], None]

    async def handle(self, call: Call, principal: Principal, emit: Emit | None = None) -> Answer:
        """Answer one request of an authenticated person.

        Raises:
            Refusal: at the door only: an unknown method, a bad cursor, or a ledger that is down.

        """
        if call.method in METHODS:
            return await self.tasks(call, principal)
        if call.method not in FAMILIES:
            return await self.aside(call, principal, emit)
        steps, policy = self.steps, self.steps.policy()
        principal = known(principal, policy)
        asked, call = call, present(call, steps.catalogue)
        sought = seek(principal, call, policy, steps.catalogue)
        try:
            await steps.throttle(principal, call, sought.counted)
            grant = await steps.granted(lambda: authorize(principal, call, sought, steps.catalogue))
            grant = offered(self.rounds.resumed(self._as_mirrored(grant)))
        except Refusal as refusal:  # limits and denials are on the record too
            return await steps.record.refuse(
                call, principal, refusal, sought.server, sought.line, policy.version
            )
        receipt = await steps.record.admit(grant)
        answer = self._mistaken(grant) or await self.carry(receipt, emit)
        self.charge(receipt, answer)
        return await steps.record.close(receipt, noted(asked, call, answer, steps.catalogue))

    def _mistaken(self, grant: Grant) -> Answer | None:
        """Arguments the pinned schema does not allow, answered here with everything to mend."""
        if grant.call.method != "tools/call" or grant.target is None:
            return None
        arguments = self.steps.catalogue.arguments(grant.server, grant.target)
        if arguments.accepts(grant.call.arguments):
            return None
        problems = arguments.problems(grant.call.arguments)
        shown = grant.call.name or grant.target
        result = invalid_arguments(shown, problems)
        return Answer(status="tool_error", reason="invalid_arguments", result=result)

    def _as_mirrored(self, grant: Grant) -> Grant:
        """The grant, once headers that repeat arguments agree with them."""
        if grant.call.method != "tools/call":
            return grant
        mirrored = self.steps.catalogue.mirrored(grant.server, grant.target)
        return replace(grant, call=agreed(grant.call, mirrored)) if mirrored else grant
