"""The path of one call; read this file first.

Every step hands on a stronger type, so that a skipped step does not type-check:

    Call → authenticate → Principal → throttle → authorize → Grant
         → record (intent) → Receipt → forward → Answer → record (outcome)

Lists, discovery and completion show only what the person may use and change nothing; they are
answered aside, unrecorded (aside.py). Everything else is on the record before it leaves, and its
outcome before its answer does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from mcp_gateway import lists
from mcp_gateway.aside import Aside, Forwarding
from mcp_gateway.authenticate import Authenticate
from mcp_gateway.authorize import FAMILIES, authorize, known, locate
from mcp_gateway.call import Answer, Call, Grant, Principal, Receipt
from mcp_gateway.catalogue import Catalogue
from mcp_gateway.forward import Emit
from mcp_gateway.mirror import agreed
from mcp_gateway.policy import Policy, Rule
from mcp_gateway.record import GONE, Recorder
from mcp_gateway.refusals import Refusal
from mcp_gateway.renamed import noted, present
from mcp_gateway.rounds import Rounds
from mcp_gateway.task_ids import TaskIds
from mcp_gateway.task_reads import TaskReads
from mcp_gateway.tasks import METHODS, Inspect, Tasks, offered
from mcp_gateway.throttle import Throttle
from mcp_shared.validation import invalid_arguments

ENDED = Answer(status="cancelled", reason="gateway_ended", error={})
BROKEN = Answer(status="unknown", reason="internal_error", error={})

# said with a cancellation that is not the caller's
ENDING = "the gateway ends"


def _everyone(_: Principal, __: str) -> None:
    pass


def _staying() -> bool:
    return False


async def _as_it_is(_: Grant, answer: Answer, __: bytes) -> Answer:
    return answer


def _for_nothing(_: Receipt, __: Answer) -> None:
    pass


@dataclass
class Pipeline:
    authenticate: Authenticate
    throttle: Throttle
    policy: Callable[[], Policy]
    catalogue: Catalogue
    # raises a Refusal when a server's definitions could not be compared with the pinned ones yet
    ensure_compared: Callable[[str], Awaitable[None]]
    record: Recorder
    forward: Forwarding
    cursors: lists.Cursors
    rounds: Rounds
    # refuses whom an operator has blocked; calls hear of it from the throttle
    admits: Callable[[Principal, str], None] = _everyone
    # what an answer took more than was paid for before
    charge: Callable[[Receipt, Answer], None] = _for_nothing
    # whether this replica ends, so that clients should listen to another
    leaving: Callable[[], bool] = _staying
    task_ids: TaskIds | None = None
    task_reads: TaskReads | None = None
    inspect: Inspect = _as_it_is
    aside: Aside = field(init=False)
    tasks: Tasks | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.aside = Aside(
            self.throttle, self.policy, self.catalogue, self.ensure_compared, self.record,
            self.forward, self.cursors, self.admits, self.leaving,
        )  # fmt: skip
        if self.task_ids is not None and self.task_reads is not None:
            self.tasks = Tasks(
                self.throttle, self.policy, self.catalogue, self.ensure_compared, self.record,
                self.forward, self._carried, self.task_ids, self.task_reads, self.inspect,
            )  # fmt: skip

    async def handle(self, call: Call, principal: Principal, emit: Emit | None = None) -> Answer:
        """Answer one request of an authenticated person.

        Raises:
            Refusal: at the door only: an unknown method, a bad cursor, or a ledger that is down.

        """
        if call.method not in FAMILIES:
            if self.tasks is not None and call.method in METHODS:
                return await self.tasks(call, principal)
            return await self.aside(call, principal, emit)
        policy = self.policy()
        principal = known(principal, policy)
        asked, call = call, present(call, self.catalogue)
        server, target = locate(call, self.catalogue)
        line = _line(policy, call, server, target)
        try:
            await self.throttle(principal, call, _own(policy, principal, line, target))
            grant = authorize(principal, call, policy, self.catalogue)
            await self.ensure_compared(grant.server)
            grant = authorize(principal, call, policy, self.catalogue)
            grant = self.rounds.resumed(self._as_mirrored(grant))
            if grant.rule.task is not None and self.tasks is not None:
                grant = offered(grant)
        except Refusal as refusal:  # limits and denials are on the record too
            return await self.record.refuse(call, principal, refusal, server, line, policy.version)
        receipt = await self.record.admit(grant)
        answer = self._mistaken(grant) or await self._carried(receipt, emit)
        self.charge(receipt, answer)
        return await self.record.close(receipt, noted(asked, call, answer, self.catalogue))

    async def _carried(
        self, receipt: Receipt, emit: Emit | None = None, sent: Receipt | None = None
    ) -> Answer:
        """Forward; when the caller goes away meanwhile, that is an outcome like any other.

        `sent`: what the server gets, where it has other names for it than the record.
        """
        try:
            answer = await self.forward(sent or receipt, emit)
            if receipt.grant.call.tasks and self.tasks is not None:
                answer = self.tasks.begun(receipt.grant, answer)
            return lists.kept_private(receipt.grant.call, self.rounds.asked(receipt.grant, answer))
        except asyncio.CancelledError as cancelled:
            # whoever ends the process says so, the server underneath too; a caller just leaves
            ended = ENDED if cancelled.args else GONE
            await self.record.close(receipt, ended)
            raise
        except BaseException:  # a bug of ours: nobody knows what the server did
            await self.record.close(receipt, BROKEN)
            raise

    def _mistaken(self, grant: Grant) -> Answer | None:
        """Arguments the pinned schema does not allow, answered here with everything to mend."""
        if grant.call.method != "tools/call" or grant.target is None:
            return None
        arguments = self.catalogue.arguments(grant.server, grant.target)
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
        mirrored = self.catalogue.mirrored(grant.server, grant.target)
        return replace(grant, call=agreed(grant.call, mirrored)) if mirrored else grant


def _line(policy: Policy, call: Call, server: str | None, name: str | None) -> Rule | None:
    """The policy's line for what is called, allowed or not; None for what leads nowhere."""
    if server is None or name is None:
        return None
    return policy.rule(server, FAMILIES[call.method], name)


def _own(policy: Policy, principal: Principal, line: Rule | None, name: str | None) -> Rule | None:
    """The line that sets this person's rate. What is not for them counts as leading nowhere:
    else the moment a limit is reached would tell which names exist.
    """
    if line is None or name is None:
        return None
    decision = policy.decide(
        principal.roles, principal.agent, line.server, line.family, name, service=principal.service
    )
    return line if decision.allowed else None
