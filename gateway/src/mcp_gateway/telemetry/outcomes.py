"""How a call ended, in one of five words, and its error as one of the words known here.

Availability counts `failed`: what we, a server or a system of record could not do. An error that
the caller can mend and a refusal by policy or limit are none of it. Pure: no clock, no network, no
state.
"""

from mcp_gateway.call import Answer

OTHER = "_OTHER"  # for whatever a caller, a server or the issuer made up

FAILED = frozenset(
    {
        "circuit_open", "exchange_refused", "gateway_ended", "internal_error", "issuer_unavailable",
        "ledger_full", "ledger_unavailable", "limiter_unavailable", "outcome_unrecorded",
        "server_failed", "server_unavailable", "switches_unavailable", "timed_out",
        "server_ended", "worker_lost",  # of a task that no tool ended
        "unavailable",  # a tool's own word for its system of record
    }
)  # fmt: skip
REFUSED = frozenset(
    {
        "answer_withheld", "blocked", "closed", "compressed", "header_mismatch",
        "insufficient_scope", "invalid_token", "malformed",
        "media_type", "method_not_allowed", "not_acceptable", "quarantined", "rate_limited",
        "slow_body", "too_large", "too_many_refused", "too_many_streams", "unknown_method",
        "task_expired", "unknown_prompt", "unknown_resource", "unknown_server", "unknown_task",
        "unknown_tool",
        "unsupported_version", "wrong_host", "wrong_origin",
    }
)  # fmt: skip
MENDABLE = frozenset(
    {
        "answer_too_large", "bad_request_state", "invalid_arguments", "missing_capability",
        "needs_newer_client",
        # faults of tools, by their codes; `tool_error` has none
        "conflict", "denied", "failed", "invalid", "not_found", "tool_error",
        "too_long", "too_many_tasks",
        # JSON-RPC errors of servers
        "-32600", "-32601", "-32602", "-32603", "-32700",
    }
)  # fmt: skip
KNOWN = FAILED | REFUSED | MENDABLE | {"cancelled", "caller_gone", "withdrawn"}


def outcome(answer: Answer) -> str:
    """ok, tool_error, refused, failed or cancelled."""
    if answer.status == "ok":
        return "ok"
    if answer.reason in FAILED or answer.status == "unknown":
        return "failed"
    if answer.status in {"refused", "cancelled"}:
        return answer.status
    return "tool_error"


def error(answer: Answer) -> str | None:
    """The error's own word; None when there is no error."""
    if answer.status == "ok":
        return None
    word = answer.reason or answer.status
    return word if word in KNOWN else OTHER
