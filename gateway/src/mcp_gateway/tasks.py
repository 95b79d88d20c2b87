"""Requests about tasks: sent to the server that has the task, for whoever began it, while they may.

An id says where its task is (task_ids.py); the right to its tool is decided anew each time. Looking
at a task that is under way changes nothing and shows nothing, so it is not on the record. What a
task ended with is, before it leaves, once (task_reads.py); so are answers to its questions and its
cancellation.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

import msgspec
from msgspec.structs import replace

from mcp_gateway import task_answers
from mcp_gateway.aside import Forwarding
from mcp_gateway.authorize import known, of_task
from mcp_gateway.call import AGGREGATE, Answer, Call, Grant, Principal, Raw, Receipt
from mcp_gateway.catalogue import Catalogue
from mcp_gateway.policy import Policy, Rule
from mcp_gateway.read import META_CAPABILITIES
from mcp_gateway.record import Recorder
from mcp_gateway.refusals import (
    INVALID_PARAMS,
    Refusal,
    missing_capability,
    not_the_protocol,
    task_expired,
    unknown_method,
    unknown_name,
)
from mcp_gateway.rounds import requests_of, undeclared
from mcp_gateway.settings import Rate
from mcp_gateway.task_ids import Place, TaskIds
from mcp_gateway.task_reads import TaskReads
from mcp_gateway.throttle import Throttle
from mcp_shared.meta import RECEIPT
from mcp_shared.tasks.wire import CANCEL, GET, IDENTIFIER, REASON, UPDATE

METHODS = frozenset({GET, UPDATE, CANCEL})
POLLS = 10  # requests about tasks for each call that its tool's rate allows
NEEDED: Mapping[str, Any] = {"extensions": {IDENTIFIER: {}}}

_slices = msgspec.json.Decoder(dict[str, Raw])
_named = IDENTIFIER.encode()

Inspect = Callable[[Grant, Answer, bytes], Awaitable[Answer]]


def offered(grant: Grant) -> Grant:
    """With the client's word that it knows tasks, where the policy lets this tool have them."""
    knows = grant.call.era == "modern" and declares(grant.call)
    return replace(grant, call=replace(grant.call, tasks=True)) if knows else grant


def declares(call: Call) -> bool:
    raw = bytes(call.meta.get(META_CAPABILITIES, b""))
    if _named not in raw:
        return False
    try:
        extensions = msgspec.json.decode(raw).get("extensions")
    except (msgspec.DecodeError, AttributeError):
        return False
    return isinstance(extensions, dict) and isinstance(extensions.get(IDENTIFIER), dict)


@dataclass
class Tasks:
    throttle: Throttle
    policy: Callable[[], Policy]
    catalogue: Catalogue
    ensure_compared: Callable[[str], Awaitable[None]]
    record: Recorder
    forward: Forwarding
    # forwards what the last one says, and closes the first when the caller goes away
    carried: Callable[[Receipt, None, Receipt], Awaitable[Answer]]
    ids: TaskIds
    reads: TaskReads
    inspect: Inspect
    clock: Callable[[], float] = time.time

    def begun(self, grant: Grant, answer: Answer) -> Answer:
        """A call that became a task, under an id for this client; any other answer as it is."""
        if answer.result is None or _plain(answer.result.get("resultType")) != "task":
            return answer
        try:
            found = task_answers.said(answer.result)
        except Refusal as refusal:
            return replace(refusal.answer(grant.call.method), status="failed")
        most = round((grant.rule.task or 0) * 1000)
        until = math.ceil(self.clock() + task_answers.lifetime(found, most) / 1000)
        place = Place(grant.server, grant.target or "", found.task_id, grant.call.id, until)
        result = task_answers.head(found, self.ids.close(grant.principal, place), "task", most)
        if "_meta" in answer.result:
            result["_meta"] = answer.result["_meta"]
        return replace(answer, reason="task", result=result)

    async def __call__(self, call: Call, principal: Principal) -> Answer:
        """Answer one request about a task.

        Raises:
            Refusal: at the door: not declared, too often, or a ledger that is down.

        """
        if call.era == "legacy" or not any(one.tasks for one in self.catalogue.on(call.endpoint)):
            raise unknown_method(call.era)
        if not declares(call):
            raise missing_capability(NEEDED)
        policy = self.policy()
        principal = known(principal, policy)
        place = self.ids.open(principal, call.name or "")
        if place is not None and call.endpoint not in (AGGREGATE, place.server):
            place = None
        line = policy.rule(place.server, "tool", place.tool) if place else None
        await self.throttle(principal, replace(call, name=None), _counted(policy, principal, line))
        asked = _as_recorded(call, place)
        try:
            grant = await self._granted(asked, principal, policy, place)
            return await self._answered(call, grant, place) if place else NOTHING
        except Refusal as refusal:
            server = place.server if place else None
            return await self.record.refuse(asked, principal, refusal, server, line, policy.version)

    async def _granted(
        self, asked: Call, principal: Principal, policy: Policy, place: Place | None
    ) -> Grant:
        if place is None:
            raise unknown_name("task", asked.era, "not_theirs_or_none")
        of_task(principal, asked, policy, self.catalogue, place.server, place.tool)
        await self.ensure_compared(place.server)
        grant = of_task(principal, asked, policy, self.catalogue, place.server, place.tool)
        if self.clock() >= place.until:
            raise task_expired()
        return grant

    async def _answered(self, call: Call, grant: Grant, place: Place) -> Answer:
        sent = replace(grant, call=_as_sent(call, place), target=place.own)
        if call.method == GET:
            answer = _found(await self.forward(self.record.exempt(sent)))
            return answer if answer.result is None else await self._told(grant, place, call, answer)
        receipt = await self.record.admit(grant)
        answer = await self.carried(receipt, None, replace(receipt, grant=sent))
        if answer.result is not None:
            answer = replace(answer, result=ACK)
        return await self.record.close(receipt, answer)

    async def _told(self, grant: Grant, place: Place, call: Call, answer: Answer) -> Answer:
        """What a server says of its task, for this client, and on the record when it is over."""
        result = answer.result or {}
        found = task_answers.said(result)
        if _plain(result.get("resultType")) != "complete" or found.task_id != place.own:
            raise not_the_protocol()
        most = round((grant.rule.task or 0) * 1000)
        head = task_answers.head(found, call.name or "", "complete", most)
        part = task_answers.brought(found, result)
        if found.status not in task_answers.OVER:
            if part is not None:
                head["inputRequests"] = _questions(call, part)
            return replace(answer, result=head)
        of_call = replace(grant, call=replace(grant.call, method="tools/call"))
        ended = task_answers.ended(of_call, found.status, part)
        if part is not None:
            ended = await self.inspect(of_call, ended, bytes(part))
            ended = replace(ended, inspected=ended.inspected or answer.inspected)
        if (before := await self.reads.recorded(call.name or "")) is None:
            receipt = await self.record.admit(grant)
            closed = await self.record.close(receipt, ended)
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
NOTHING = Answer(status="failed", reason="internal_error", error={})


def _counted(policy: Policy, principal: Principal, line: Rule | None) -> Rule | None:
    """Requests about tasks have a limit of their own, wider than that of calls."""
    if line is None:
        return None
    allowed = policy.decide(
        principal.roles, principal.agent, line.server, "tool", line.name, service=principal.service
    ).allowed
    if not allowed:
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


def _questions(call: Call, part: Raw) -> Raw:
    """What is asked, of a client that said it can answer such things."""
    requests = requests_of({"inputRequests": part})
    if requests is None:
        raise not_the_protocol()
    if missing := dict(undeclared(call, requests.values())):
        raise missing_capability(missing)
    return part


def _receipt(closed: Answer) -> Mapping[str, Any]:
    holder = closed.result.get("_meta") if closed.result is not None else None
    if closed.error is not None:
        holder = closed.error.get("data")
    found: Mapping[str, Any] = (holder or {}).get(RECEIPT, {})
    return found


def _plain(raw: object) -> object:
    return _decoded(raw) if isinstance(raw, Raw) else raw


def _decoded(raw: Any) -> object:
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None
