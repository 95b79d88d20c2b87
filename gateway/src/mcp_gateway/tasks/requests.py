"""Requests about tasks: sent to the server that has the task, for whoever began it, while they may.

An id says where its task is (ids.py); the right to its tool is decided anew each time. Looking
at a task that is under way changes nothing and shows nothing, so it is not on the record. What a
task ended with is, before it leaves, once (reads.py); so are answers to its questions and its
cancellation.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

import msgspec
from msgspec.structs import replace

from mcp_gateway.call import AGGREGATE, Answer, Call, Grant, Principal, Raw
from mcp_gateway.carry import Carry
from mcp_gateway.configuration.settings import Rate
from mcp_gateway.refusals import (
    INVALID_PARAMS,
    Refusal,
    missing_capability,
    not_the_protocol,
    task_expired,
    unknown_method,
    unknown_name,
)
from mcp_gateway.rights.authorize import Sought, decided, known, of_task
from mcp_gateway.rights.policy import Decision, Policy, Rule
from mcp_gateway.steps import Steps
from mcp_gateway.tasks import said
from mcp_gateway.tasks.begin import declares
from mcp_gateway.tasks.ids import Place, TaskIds
from mcp_gateway.tasks.reads import TaskReads
from mcp_gateway.upstream.rounds import insist_it_may_ask, requests_of
from mcp_shared.meta import RECEIPT
from mcp_shared.tasks.wire import CANCEL, GET, IDENTIFIER, REASON, UPDATE

METHODS = frozenset({GET, UPDATE, CANCEL})
POLLS = 10  # requests about tasks for each call that its tool's rate allows
NEEDED: Mapping[str, Any] = {"extensions": {IDENTIFIER: {}}}
NOWHERE = Decision(allowed=False, reason="not_theirs_or_none")

Inspect = Callable[[Grant, Answer, bytes], Awaitable[Answer]]


@dataclass
class Tasks:
    steps: Steps
    carry: Carry
    ids: TaskIds
    reads: TaskReads
    inspect: Inspect
    clock: Callable[[], float] = time.time

    async def __call__(self, call: Call, principal: Principal) -> Answer:
        """Answer one request about a task.

        Raises:
            Refusal: at the door: not declared, too often, or a ledger that is down.

        """
        if call.era == "legacy" or not any(
            one.tasks for one in self.steps.catalogue.on(call.endpoint)
        ):
            raise unknown_method(call.era)
        if not declares(call):
            raise missing_capability(NEEDED)
        policy = self.steps.policy()
        principal = known(principal, policy)
        place = self.ids.open(principal, call.name or "")
        if place is not None and call.endpoint not in (AGGREGATE, place.server):
            place = None
        asked, sought = _as_recorded(call, place), _sought(principal, policy, place)
        counted = _counted(principal, sought.counted)
        await self.steps.throttle(principal, replace(call, name=None), counted)
        try:
            if place is None:
                raise unknown_name("task", call.era, sought.decision.reason)
            grant = await self.steps.granted(
                lambda: of_task(principal, asked, sought, self.steps.catalogue)
            )
            if self.clock() >= place.until:
                raise task_expired()
            return await self._answered(call, grant, place)
        except Refusal as refusal:
            return await self.steps.record.refuse(
                asked, principal, refusal, sought.server, sought.line, policy.version
            )

    async def _answered(self, call: Call, grant: Grant, place: Place) -> Answer:
        sent = replace(grant, call=_as_sent(call, place), target=place.own)
        if call.method == GET:
            answer = _found(await self.steps.forward(self.steps.record.exempt(sent)))
            return answer if answer.result is None else await self._told(grant, place, call, answer)
        receipt = await self.steps.record.admit(grant)
        answer = await self.carry(receipt, sent=replace(receipt, grant=sent))
        if answer.result is not None:
            answer = replace(answer, result=ACK)
        return await self.steps.record.close(receipt, answer)

    async def _told(self, grant: Grant, place: Place, call: Call, answer: Answer) -> Answer:
        """What a server says of its task, for this client, and on the record when it is over."""
        result = answer.result or {}
        found = said.read_head(result)
        if said.kind(result) != "complete" or found.task_id != place.own:
            raise not_the_protocol()
        most = round((grant.rule.task or 0) * 1000)
        head = said.head_for(found, call.name or "", "complete", most)
        part = said.brought(found, result)
        if found.status not in said.OVER:
            if part is not None:
                head["inputRequests"] = _questions(call, grant.rule, part)
            return replace(answer, result=head)
        of_call = replace(grant, call=replace(grant.call, method="tools/call"))
        ended = said.ended(of_call, found.status, part)
        if part is not None:
            ended = await self.inspect(of_call, ended, bytes(part))
            ended = replace(ended, inspected=ended.inspected or answer.inspected)
        if (before := await self.reads.recorded(call.name or "")) is None:
            receipt = await self.steps.record.admit(grant)
            closed = await self.steps.record.close(receipt, ended)
            if closed.reason == "outcome_unrecorded":
                return closed
            before = _receipt(closed)
            await self.reads.keep(call.name or "", before, place.until - self.clock())
        if ended.error is not None:
            head["error"] = ended.error
        elif part is not None:
            head["result"] = ended.result
        return replace(answer, result={**head, "_meta": {RECEIPT: before}})


ACK: Mapping[str, Any] = {"resultType": "complete"}


def _sought(principal: Principal, policy: Policy, place: Place | None) -> Sought:
    if place is None:
        return Sought(None, None, NOWHERE, policy.version)
    decision = decided(principal, policy, place.server, "tool", place.tool)
    return Sought(place.server, place.tool, decision, policy.version)


def _counted(principal: Principal, line: Rule | None) -> Rule | None:
    """Requests about tasks have a limit of their own, wider than that of calls."""
    if line is None:
        return None
    rate = Rate(calls=line.rate_for(principal.roles).calls * POLLS, seconds=line.rate.seconds)
    return changed(line, name=f"{line.name}/tasks", rate=rate, rates={}, cost=1, kind="read")


def _as_recorded(call: Call, place: Place | None) -> Call:
    """By the tool's name and the call that became the task: ids are for those who carry them."""
    if place is None:
        return replace(call, name=None)
    name = f"{place.server}_{place.tool}" if call.endpoint == AGGREGATE else place.tool
    arguments: dict[str, Any] = {"call": place.call}
    if call.method == UPDATE:
        given = _decoded(call.params.get("inputResponses"))
        arguments["answered"] = {
            str(key)[:64]: str(one.get("action", "answered"))[:16] if isinstance(one, dict) else "?"
            for key, one in (given if isinstance(given, dict) else {}).items()
        }
    return replace(call, name=name, arguments=arguments)


def _as_sent(call: Call, place: Place) -> Call:
    """Under the server's own id, and nothing else that the client made up."""
    params = {"taskId": Raw(msgspec.json.encode(place.own))}
    if call.method == UPDATE:
        params["inputResponses"] = call.params.get("inputResponses", Raw(b"{}"))
    return replace(call, params=params, tasks=True)


def _found(answer: Answer) -> Answer:
    """What the server does not know reads like what was never there.

    Raises:
        Refusal: unknown, or expired.

    """
    if (answer.error or {}).get("code") != INVALID_PARAMS:
        return answer
    data = (answer.error or {}).get("data")
    reason = data.get(REASON) if isinstance(data, dict) else None
    if isinstance(reason, dict) and reason.get("reason") == "expired":
        raise task_expired()
    raise unknown_name("task", "modern", "unknown_to_its_server")


def _questions(call: Call, rule: Rule, part: Raw) -> Raw:
    """What is asked, where it may be."""
    requests = requests_of({"inputRequests": part})
    if requests is None:
        raise not_the_protocol()
    insist_it_may_ask(call, rule, requests)
    return part


def _receipt(closed: Answer) -> Mapping[str, Any]:
    holder = closed.result.get("_meta") if closed.result is not None else None
    if closed.error is not None:
        holder = closed.error.get("data")
    found: Mapping[str, Any] = (holder or {}).get(RECEIPT, {})
    return found


def _decoded(raw: Any) -> object:
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None
