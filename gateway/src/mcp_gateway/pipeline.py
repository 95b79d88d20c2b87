"""The path of one call; read this file first.

Every step hands on a stronger type, so that a skipped step does not type-check:

    Call → authenticate → Principal → throttle → authorize → Grant
         → record (intent) → Receipt → forward → Answer → record (outcome)

Lists and discovery are answered from the pinned catalogue, by the same decision, and are not
recorded; resource lists differ per person and are forwarded, unrecorded too. Everything else is
on the record before it leaves, and its outcome before its answer does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mcp_gateway import discovery, lists
from mcp_gateway.authenticate import Authenticate
from mcp_gateway.authorize import FAMILIES, authorize, known, listing, locate
from mcp_gateway.call import AGGREGATE, Answer, Call, Grant, Principal, Receipt
from mcp_gateway.catalogue import Catalogue
from mcp_gateway.forward import Emit
from mcp_gateway.policy import Policy, Rule
from mcp_gateway.record import Recorder, shielded
from mcp_gateway.refusals import INVALID_PARAMS, Refusal, malformed, unknown_method
from mcp_gateway.throttle import Throttle
from mcp_shared.validation import invalid_arguments

RESOURCE_LISTS = {"resources/list": "resources", "resources/templates/list": "resourceTemplates"}


GONE = Answer(status="cancelled", reason="caller_gone", error={})
BROKEN = Answer(status="unknown", reason="internal_error", error={})


def _everyone(_: Principal, __: str) -> None:
    pass


def _for_nothing(_: Receipt, __: Answer) -> None:
    pass


class Forwarding(Protocol):
    async def __call__(self, receipt: Receipt, emit: Emit | None = None) -> Answer: ...


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
    # refuses whom an operator has blocked; calls hear of it from the throttle
    admits: Callable[[Principal, str], None] = _everyone
    # what an answer took more than was paid for before
    charge: Callable[[Receipt, Answer], None] = _for_nothing

    async def handle(self, call: Call, principal: Principal, emit: Emit | None = None) -> Answer:
        """Answer one request of an authenticated person.

        Raises:
            Refusal: at the door only: an unknown method, a bad cursor, or a ledger that is down.

        """
        if call.method not in FAMILIES:
            return await self._unrecorded(call, principal)
        policy = self.policy()
        principal = known(principal, policy)
        server, target = locate(call, self.catalogue)
        line = _line(policy, call, server, target)
        try:
            await self.throttle(principal, call, _own(policy, principal, line, target))
            grant = authorize(principal, call, policy, self.catalogue)
            await self.ensure_compared(grant.server)
            grant = authorize(principal, call, policy, self.catalogue)
        except Refusal as refusal:  # limits and denials are on the record too
            return await shielded(
                self.record.refuse(call, principal, refusal, server, line, policy.version)
            )
        receipt = await self._admitted(grant)
        answer = self._mistaken(grant) or await self._carried(receipt, emit)
        self.charge(receipt, answer)
        return await shielded(self.record.close(receipt, answer))

    async def _admitted(self, grant: Grant) -> Receipt:
        """Record the intent; a caller who leaves during that leaves a whole record, too."""
        admission = asyncio.ensure_future(self.record.admit(grant))
        try:
            return await asyncio.shield(admission)
        except asyncio.CancelledError:
            await shielded(self.record.close(await admission, GONE))
            raise

    async def _carried(self, receipt: Receipt, emit: Emit | None) -> Answer:
        """Forward; when the caller goes away meanwhile, that is an outcome like any other."""
        try:
            return await self.forward(receipt, emit)
        except asyncio.CancelledError:
            await shielded(self.record.close(receipt, GONE))
            raise
        except BaseException:  # a bug of ours: nobody knows what the server did
            await shielded(self.record.close(receipt, BROKEN))
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

    async def _unrecorded(self, call: Call, principal: Principal) -> Answer:
        policy = self.policy()
        self.admits(principal, call.endpoint)
        principal = known(principal, policy)
        if lists.is_list(call.method):
            return _local(lists.pinned_list(call, principal, policy, self.catalogue))
        if call.method in RESOURCE_LISTS:
            return await self._resources(call, principal, policy)
        modern = call.era == "modern"
        if call.method == ("server/discover" if modern else "initialize"):
            text = discovery.instructions(
                self.catalogue,
                call.endpoint,
                lambda server: lists.sees_server(policy, principal, server),
            )
            make = discovery.discover if modern else discovery.initialize
            return _local(make(self.catalogue, call, text))
        if call.method == "ping" and not modern:
            return _local({})
        raise unknown_method(call.era)

    async def _resources(self, call: Call, principal: Principal, policy: Policy) -> Answer:
        """One page of one server, asked in the person's name; the cursor may lead to the next."""
        servers = lists.resource_servers(call.endpoint, principal, policy, self.catalogue)
        key = RESOURCE_LISTS[call.method]
        if not servers:
            return _local(lists.complete(call, {key: []}))
        server, cursor = servers[0], lists.cursor_of(call)
        if cursor is not None and call.endpoint == AGGREGATE:
            server, cursor = self.cursors.open(principal, call.method, cursor)
            if server not in servers:
                raise malformed("Unknown cursor.", rpc=INVALID_PARAMS)
        grant = listing(principal, lists.from_cursor(call, cursor), policy, server)
        await self.throttle(principal, call, grant.rule)
        answer = await self.forward(self.record.exempt(grant))
        if answer.result is None:
            return answer
        page: dict[str, Any] = {key: answer.result.get(key, [])}
        following = lists.next_cursor(answer.result)
        if call.endpoint == AGGREGATE:
            after = [*servers[servers.index(server) + 1 :], None][0]
            following = self.cursors.following(principal, call.method, server, following, after)
        if following is not None:
            page["nextCursor"] = following
        return _local(lists.complete(call, page))


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


def _local(result: Mapping[str, Any]) -> Answer:
    return Answer(status="ok", result=result)
