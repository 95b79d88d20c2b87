"""What a server says of a task, written anew: the fields the extension has, in its types, under the
id that the client knows, and for no longer than the policy lets a task live. Pure.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from mcp_gateway.call import Answer, Grant, Raw
from mcp_gateway.refusals import not_the_protocol
from mcp_gateway.upstream.interpret import interpreted
from mcp_shared.tasks.wire import REASON

STATES = frozenset({"working", "input_required", "completed", "failed", "cancelled"})
OVER = frozenset({"completed", "failed", "cancelled"})
# which part of its answer a state brings
BRINGS = {"input_required": "inputRequests", "completed": "result", "failed": "error"}
LEAST_POLL_MS = 100
MAX_OWN = 256  # characters of a server's own id
FIELDS = (
    "taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs", "statusMessage",
)  # fmt: skip
# a task that no tool ended
LOST = frozenset({"worker_lost", "server_ended"})


class Head(msgspec.Struct, frozen=True, rename="camel"):
    """The head of a task."""

    task_id: str
    status: str
    created_at: str
    last_updated_at: str
    ttl_ms: int | None
    poll_interval_ms: int | None = None
    status_message: str | None = None


def read_head(result: Mapping[str, Any]) -> Head:
    """The head of what a server says.

    Raises:
        Refusal: it is not what the extension has.

    """
    try:
        # fields are slices of the server's bytes: joined again, they are one document to check
        known = {name: result[name] for name in FIELDS if name in result}
        found = msgspec.json.decode(msgspec.json.encode(known), type=Head)
    except (msgspec.MsgspecError, RecursionError):
        raise not_the_protocol() from None
    if found.status not in STATES or not 0 < len(found.task_id) <= MAX_OWN:
        raise not_the_protocol()
    if found.ttl_ms is not None and found.ttl_ms <= 0:
        raise not_the_protocol()
    return found


def head_for(found: Head, task_id: str, kind: str, most_ms: int) -> dict[str, Any]:
    """The head as the client gets it."""
    made: dict[str, Any] = {
        "resultType": kind,
        "taskId": task_id,
        "status": found.status,
        "createdAt": found.created_at,
        "lastUpdatedAt": found.last_updated_at,
        "ttlMs": lifetime(found, most_ms),
    }
    if found.poll_interval_ms is not None:
        made["pollIntervalMs"] = max(LEAST_POLL_MS, found.poll_interval_ms)
    if found.status_message is not None:
        made["statusMessage"] = found.status_message
    return made


def kind(result: Mapping[str, Any]) -> object:
    """What sort of result a server says this is; None where it says nothing that can be read."""
    try:
        return msgspec.json.decode(result.get("resultType", b"null"))
    except (msgspec.DecodeError, TypeError):
        return None


def lifetime(found: Head, most_ms: int) -> int:
    return most_ms if found.ttl_ms is None else min(found.ttl_ms, most_ms)


def brought(found: Head, result: Mapping[str, Any]) -> Raw | None:
    """The part that belongs to its state; None for a state that has none.

    Raises:
        Refusal: it is missing, or not an object.

    """
    name = BRINGS.get(found.status)
    if name is None:
        return None
    raw = result.get(name)
    if not isinstance(raw, Raw) or bytes(raw).lstrip()[:1] != b"{":
        raise not_the_protocol()
    return raw


def ended(grant: Grant, status: str, part: Raw | None) -> Answer:
    """How the work ended, as the record has it: as the call would have, had it waited."""
    if status == "cancelled" or part is None:
        return Answer(status="cancelled", reason="cancelled", result={})
    try:
        if status == "completed":
            return interpreted(b'{"result":' + bytes(part) + b"}", 200, grant)
        error = msgspec.json.decode(part, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        raise not_the_protocol() from None
    code, message, data = error.get("code"), error.get("message"), error.get("data")
    if not isinstance(code, int) or not isinstance(message, str):
        raise not_the_protocol()
    own = data.get(REASON) if isinstance(data, dict) else None
    reason = own.get("reason") if isinstance(own, dict) else None
    kept = {"code": code, "message": message, **({} if data is None else {"data": data})}
    status_ = "unknown" if grant.rule.kind == "write" else "failed"
    return Answer(
        status=status_ if reason in LOST else "failed",  # type: ignore[arg-type]
        reason=str(reason) if reason in LOST else str(code),
        error=kept,
        size=len(bytes(part)),
    )
