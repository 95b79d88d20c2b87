"""Makes a write happen once, whatever happens to its answer.

Claim, look when an earlier attempt was sent, prepare, note that it leaves, send, keep the answer.
No write is sent again blindly: what became of it is read first.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mcp_crm.directory import OutcomeUnknown
from mcp_crm.models import Answer
from mcp_crm.outbox import Outbox, Request
from mcp_shared.faults import Fault, Unavailable

Result = TypeVar("Result", bound=Answer)


@dataclass(frozen=True, slots=True)
class Write(Generic[Result]):
    """One kind of write. `seen` is what `prepare` found and `look` needs to recognise the write."""

    result: type[Result]
    # reads and checks; changes nothing
    prepare: Callable[[], Awaitable[dict[str, Any]]]
    # changes the CRM; OutcomeUnknown when its answer is lost, any Fault when nothing was changed
    send: Callable[[str, dict[str, Any]], Awaitable[Result]]
    # the result of an earlier send, or None when it is not there
    look: Callable[[str, dict[str, Any]], Awaitable[Result | None]]


async def once(outbox: Outbox, request: Request, write: Write[Result]) -> Result:
    ticket = await outbox.claim(request)
    if ticket.result is not None:
        return write.result.model_validate({**ticket.result, "made_before": True})
    unknown = ticket.sent
    try:
        result = await write.look(ticket.marker, ticket.seen) if unknown else None
        if result is not None:
            result = result.model_copy(update={"made_before": True})
        else:
            seen = await write.prepare()
            await outbox.sending(ticket, seen)
            try:
                result = await write.send(ticket.marker, seen)
            except OutcomeUnknown:
                unknown = True
                result = await _looked(write, ticket.marker, seen)
    except Fault:
        await outbox.release(ticket, unsent=not unknown)
        raise
    await outbox.done(ticket, result.model_dump(mode="json"))
    return result


async def _looked(write: Write[Result], marker: str, seen: dict[str, Any]) -> Result:
    try:
        found = await write.look(marker, seen)
    except Unavailable:
        found = None
    if found is None:
        raise Unavailable(
            "The CRM did not say whether the change was made.",
            instead="Repeat the call with the same idempotency_key: it will be made once.",
        )
    return found
