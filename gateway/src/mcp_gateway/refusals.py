"""Every way to say no: code, HTTP status, headers and JSON-RPC form, in one place.

A refusal at the door is an HTTP error with a JSON-RPC body. A tool the person has no right to
reads exactly like one that does not exist. After the door, on `tools/call`, a refusal is a tool
error with status 200, because SDK clients hide HTTP statuses from the model and the model is who
must act on it.
"""

import math
from collections.abc import Mapping
from typing import Any

from mcp_gateway.call import Answer, Raw
from mcp_shared.meta import REFUSED
from mcp_shared.tasks.wire import REASON as TASK

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020  # protocol 2026-07-28
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022
# our own codes lie outside -32768..-32000, which belong to JSON-RPC and MCP
UNAUTHENTICATED = -31401
FORBIDDEN = -31403
TOO_LARGE = -31413
UNSUPPORTED_MEDIA = -31415
METHOD_NOT_ALLOWED = -31405
NOT_ACCEPTABLE = -31406
TIMED_OUT = -31408
NEEDS_NEWER_CLIENT = -31426
TOO_MANY = -31429
LEDGER_DOWN = -31503


class Refusal(Exception):  # noqa: N818  an answer, not a malfunction
    """No, and what the caller may know of why. `code` is stable, logged, counted and recorded."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        http: int,
        rpc: int,
        headers: tuple[tuple[str, str], ...] = (),
        data: Mapping[str, Any] | None = None,
        reason: str | None = None,
        decision: str = "deny",
        tool_text: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.http = http
        self.rpc = rpc
        self.headers = headers
        self.data = data
        # the inner reason, for the record; never sent
        self.reason = reason or code
        self.decision = decision
        # set: on tools/call this is a tool error the model reads
        self.tool_text = tool_text
        self.retry_after = retry_after
        # the call's own id, where it was read before the refusal
        self.request_id: Raw | None = None

    def answer(self, method: str) -> Answer:
        if method == "tools/call" and self.tool_text is not None:
            meta: dict[str, Any] = {"code": self.code}
            if self.retry_after is not None:
                meta["retryAfter"] = round(self.retry_after, 3)
            return Answer(
                status="refused",
                reason=self.code,
                result={
                    "content": [{"type": "text", "text": self.tool_text}],
                    "isError": True,
                    "_meta": {REFUSED: meta},
                },
            )
        error: dict[str, Any] = {"code": self.rpc, "message": self.message}
        if self.data is not None:
            error["data"] = dict(self.data)
        return Answer(
            status="refused",
            reason=self.code,
            http=self.http,
            headers=self.headers,
            error=error,
        )


def malformed(message: str, *, rpc: int = INVALID_REQUEST) -> Refusal:
    return Refusal("malformed", message, http=400, rpc=rpc)


def header_mismatch(message: str) -> Refusal:
    return Refusal("header_mismatch", message, http=400, rpc=HEADER_MISMATCH)


def unsupported_version(requested: str, supported: list[str]) -> Refusal:
    return Refusal(
        "unsupported_version",
        "Protocol version not served",
        http=400,
        rpc=UNSUPPORTED_VERSION,
        data={"supported": supported, "requested": requested},
    )


def unknown_method(era: str) -> Refusal:
    http = 404 if era == "modern" else 200
    return Refusal("unknown_method", "Method not found", http=http, rpc=METHOD_NOT_FOUND)


def unknown_server() -> Refusal:
    return Refusal("unknown_server", "No such endpoint", http=404, rpc=INVALID_REQUEST)


def too_large(limit: int) -> Refusal:
    message = f"The request is larger than {limit} bytes; send less in one call."
    return Refusal("too_large", message, http=413, rpc=TOO_LARGE)


def unauthenticated(challenge: str, reason: str) -> Refusal:
    """401 with the RFC 9728 challenge; why the token failed stays with us."""
    return Refusal(
        "invalid_token",
        "Sign in: a valid access token for this resource is required.",
        http=401,
        rpc=UNAUTHENTICATED,
        headers=(("WWW-Authenticate", challenge),),
        reason=reason,
    )


def insufficient_scope(challenge: str) -> Refusal:
    """403 with the scope that is missing: a client may ask its person for it and come back."""
    return Refusal(
        "insufficient_scope",
        "This token's scope does not cover this resource.",
        http=403,
        rpc=FORBIDDEN,
        headers=(("WWW-Authenticate", challenge),),
    )


def unknown_name(family: str, era: str, reason: str) -> Refusal:
    """Not there, or not for you: byte for byte the same."""
    http = 400 if era == "modern" else 200
    return Refusal(
        f"unknown_{family}", f"Unknown {family}", http=http, rpc=INVALID_PARAMS, reason=reason
    )


def bad_state(era: str, reason: str) -> Refusal:
    """What a client brings back is not what it was given, or not for this call, or too late."""
    return Refusal(
        "bad_request_state",
        "Unknown or expired requestState; call again without it.",
        http=400 if era == "modern" else 200,
        rpc=INVALID_PARAMS,
        reason=f"request_state:{reason}",
    )


def missing_capability(required: Mapping[str, Any]) -> Refusal:
    """A server asks for something this client has not said it can answer."""
    return Refusal(
        "missing_capability",
        "This needs an answer from the client that it has not declared it can give.",
        http=400,
        rpc=MISSING_CAPABILITY,
        data={"requiredCapabilities": dict(required)},
    )


def task_expired() -> Refusal:
    """Told to whoever began it, and nobody else."""
    return Refusal(
        "task_expired",
        "This task has expired; what it found is gone. Call the tool again.",
        http=400,
        rpc=INVALID_PARAMS,
        data={TASK: {"reason": "expired"}},
    )


def needs_newer_client() -> Refusal:
    """A server asks in the middle of a call; before 2026-07-28 that took a session."""
    text = (
        "This needs an answer from the person or the client while it runs, and this client's "
        "protocol version has no way to give one here. It is not finished. Tell the person to use "
        "a client that speaks protocol version 2026-07-28."
    )
    return Refusal("needs_newer_client", text, http=200, rpc=NEEDS_NEWER_CLIENT, tool_text=text)


def not_the_protocol() -> Refusal:
    text = "The server answered in a form that is not part of the protocol."
    return Refusal("server_failed", text, http=502, rpc=INTERNAL_ERROR, tool_text=text)


def leads_elsewhere() -> Refusal:
    text = (
        "The server would send the person to a page of a host that its policy does not list, so "
        "its question is not passed on."
    )
    return Refusal("server_failed", text, http=502, rpc=INTERNAL_ERROR, tool_text=text)


def too_many_streams(most: int) -> Refusal:
    return Refusal(
        "too_many_streams",
        f"At most {most} subscriptions at a time; close one first.",
        http=429,
        rpc=TOO_MANY,
        headers=(("Retry-After", "30"),),
        decision="limit",
    )


def limited(retry_after: float, what: str) -> Refusal:
    seconds = max(1, math.ceil(retry_after))
    return Refusal(
        "rate_limited",
        f"Too many calls of {what}. Try again in {seconds} s.",
        http=429,
        rpc=INVALID_REQUEST,
        headers=(("Retry-After", str(seconds)),),
        decision="limit",
        tool_text=(
            f"Limited: too many calls of {what}. Wait {seconds} seconds before you call it again; "
            "nothing was done. Fewer, broader calls use up less."
        ),
        retry_after=retry_after,
    )


def unavailable(code: str, what: str, retry_after: float = 5.0) -> Refusal:
    """A part of ours is away; nothing was done."""
    return Refusal(
        code,
        f"{what} Try again in {retry_after:.0f} s.",
        http=503,
        rpc=INTERNAL_ERROR,
        headers=(("Retry-After", f"{retry_after:.0f}"),),
        decision="error",
        tool_text=(
            f"Unavailable: {what} Nothing was done. Try again in {retry_after:.0f} seconds; "
            "if it stays so, tell the person that the service is down."
        ),
        retry_after=retry_after,
    )


def ledger_down() -> Refusal:
    """No record, no entry. The one refusal that cannot be recorded; it is counted."""
    return Refusal(
        "ledger_unavailable",
        "Calls cannot be recorded at the moment, so none are made. Try again in 5 s.",
        http=503,
        rpc=LEDGER_DOWN,
        headers=(("Retry-After", "5"),),
        decision="error",
    )


def ledger_full(*, reading: bool) -> Refusal:
    """Closed before the disk is full, and counted at the door: a record of it would fill it, too.

    `reading`: only calls that read are refused yet.
    """
    what = "Calls that read are" if reading else "Calls are"
    return Refusal(
        "ledger_full",
        f"{what} closed until the disk of the audit record has room again. Somebody has to make "
        "it: tell your platform team. Try again in 5 min.",
        http=503,
        rpc=LEDGER_DOWN,
        headers=(("Retry-After", "300"),),
        decision="error",
    )
