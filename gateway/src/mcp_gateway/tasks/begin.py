"""Calls that may become tasks, and those that did."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from mcp_gateway.call import Answer, Call, Grant
from mcp_gateway.protocol import META_CAPABILITIES
from mcp_gateway.refusals import Refusal
from mcp_gateway.tasks import said
from mcp_gateway.tasks.ids import Place, TaskIds
from mcp_shared.tasks.wire import IDENTIFIER

_named = IDENTIFIER.encode()


def offered(grant: Grant) -> Grant:
    """With the client's word that it knows tasks, where the policy lets this tool have them."""
    if grant.rule.task is None or grant.call.era != "modern" or not declares(grant.call):
        return grant
    return replace(grant, call=replace(grant.call, tasks=True))


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
class Begun:
    ids: TaskIds
    clock: Callable[[], float] = time.time

    def __call__(self, grant: Grant, answer: Answer) -> Answer:
        """A call that became a task, under an id for this client; any other answer as it is."""
        if answer.result is None or said.kind(answer.result) != "task":
            return answer
        try:
            found = said.read_head(answer.result)
        except Refusal as refusal:
            return replace(refusal.answer(grant.call.method), status="failed")
        most = round((grant.rule.task or 0) * 1000)
        until = math.ceil(self.clock() + said.lifetime(found, most) / 1000)
        place = Place(grant.server, grant.target or "", found.task_id, grant.call.id, until)
        result = said.head_for(found, self.ids.close(grant.principal, place), "task", most)
        if "_meta" in answer.result:
            result["_meta"] = answer.result["_meta"]
        return replace(answer, reason="task", result=result)
