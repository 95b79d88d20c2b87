"""The types a request becomes on its way through the pipeline, each proof of one more step.

    bytes → Call → Principal → Grant → Receipt → Answer

Pure: no clock, no network, no state. `Grant` is made only in authorize, `Receipt` only in record.
Structs, as a frozen dataclass sets each field by a call of its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec

from mcp_gateway.rights.policy import Rule

Era = Literal["modern", "legacy"]
Raw = msgspec.Raw
# sends one message on the way to the answer
Emit = Callable[[bytes], Awaitable[None]]

# on the aggregate endpoint a name is <server>_<tool>; "" stands for that endpoint
AGGREGATE = ""


class Call(msgspec.Struct, frozen=True):
    """One well-formed JSON-RPC request, as the client sent it."""

    id: str
    endpoint: str
    era: Era
    version: str
    request_id: Raw
    method: str
    name: str | None
    params: Mapping[str, Raw]
    meta: Mapping[str, Raw]
    # parsed for checking and recording; what is forwarded are the bytes of `params`
    arguments: Mapping[str, Any]
    size: int
    param_headers: tuple[tuple[str, str], ...] = ()
    traceparent: str | None = None
    # the client knows tasks, and the policy lets this call become one
    tasks: bool = False


class Principal(msgspec.Struct, frozen=True):
    """A person and the agent that acts for them, or an agent that acts for itself (a service)."""

    issuer: str
    subject: str
    username: str
    name: str
    roles: frozenset[str]
    groups: frozenset[str]
    agent: str
    expires: int
    # SHA-256 of the token: the key of everything cached for it
    token_hash: bytes
    token: str
    issued: int = 0
    service: bool = False

    def __repr__(self) -> str:
        """Without the token: this ends up in tracebacks."""
        return f"Principal(username={self.username!r}, agent={self.agent!r})"


class Grant(msgspec.Struct, frozen=True):
    """Proof that policy allows this call to this server."""

    principal: Principal
    call: Call
    server: str
    target: str | None
    rule: Rule
    definition: str | None
    policy: str


class Receipt(msgspec.Struct, frozen=True):
    """Proof that the intent is on the record, durably."""

    grant: Grant
    started: float
    said: Mapping[str, Any] = {}  # by the intent, and by the outcome again


Status = Literal["ok", "tool_error", "failed", "cancelled", "unknown", "refused"]


class Answer(msgspec.Struct, frozen=True):
    """What goes back: a JSON-RPC result or error, and how it is to be recorded."""

    status: Status
    reason: str = ""
    http: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    size: int = 0
    # what was held back of it, for the record
    inspected: Mapping[str, Any] | None = None
