"""The bytes of a server become an Answer: a result, its own error, or a failure told in our words.

What a call that failed has done is unknown unless the server said so: for a tool that writes, that
is the outcome, and the model is told how to look. Pure.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from mcp_gateway.call import Answer, Call, Grant, Raw
from mcp_gateway.refusals import INTERNAL_ERROR, METHOD_NOT_FOUND, Refusal
from mcp_shared.meta import FAULT

MAX_CODE = 32  # characters; a code is a word, not a message
KEY = "idempotency_key"
DOOR = (401, 403)  # a server that lets nobody in has done nothing

_slices = msgspec.json.Decoder(dict[str, Raw])


def interpreted(document: bytes, http: int, grant: Grant) -> Answer:
    """What the server answered.

    Raises:
        msgspec.DecodeError: not the protocol; so do UnicodeDecodeError, RecursionError, KeyError.

    """
    call = grant.call
    document.decode()  # slices are not looked into, and would pass on what is not UTF-8
    message = _slices.decode(document)
    if "error" in message:
        error = msgspec.json.decode(message["error"])
        code = error.get("code") if isinstance(error, dict) else None
        if http in DOOR or http >= 500 or not isinstance(code, int) or code == INTERNAL_ERROR:
            return _server_error(grant, http)
        status = 404 if code == METHOD_NOT_FOUND else 400
        return Answer(
            status="failed", reason=str(code), http=status if call.era == "modern" else 200,
            error=error,
            size=len(document),
        )  # fmt: skip
    result: dict[str, Any] = dict(_slices.decode(message["result"]))
    wrong = bytes(result.get("isError", b"")) == b"true"
    return Answer(
        status="tool_error" if wrong else "ok",
        reason=_fault_code(result) if wrong else "",
        result=result,
        size=len(document),
    )


def failed(call: Call, code: str, text: str, *, status: str = "failed") -> Answer:
    refusal = Refusal(code, text, http=502, rpc=INTERNAL_ERROR, tool_text=text)
    return as_failed(refusal.answer(call.method), status)


def as_failed(answer: Answer, status: str = "failed") -> Answer:
    return replace(answer, status="unknown" if status == "unknown" else "failed")


def too_much(grant: Grant) -> Answer:
    text = "The server's answer was too large to pass on."
    if _writes(grant):
        return failed(grant.call, "answer_too_large", f"{text} {_look(grant)}", status="unknown")
    text += " Ask for less: a narrower question or a page."
    return failed(grant.call, "answer_too_large", text)


def broken_off(grant: Grant) -> Answer:
    text = f"{grant.server} broke off in the middle. {_look(grant)}"
    return failed(grant.call, "server_failed", text, status="unknown")


def timed_out(grant: Grant, *, sent: bool, quiet: float | None = None) -> Answer:
    """`quiet`: the answer had begun, and then nothing came for so many seconds."""
    text = f"No answer within {grant.rule.timeout:g} s, so the call was cancelled."
    if quiet is not None:
        text = f"The answer broke off: nothing came for {quiet:g} s, so the call was cancelled."
    if not sent:
        return failed(grant.call, "timed_out", f"{text} Nothing was done; try again later.")
    if _writes(grant):
        return failed(grant.call, "timed_out", f"{text} {_look(grant)}", status="unknown")
    text += " Ask for less: a narrower question, a shorter period or a smaller page."
    return failed(grant.call, "timed_out", text)


def _server_error(grant: Grant, http: int) -> Answer:
    text = "The server failed to answer this call."
    if _writes(grant) and http not in DOOR:
        return failed(grant.call, "server_failed", f"{text} {_look(grant)}", status="unknown")
    return failed(grant.call, "server_failed", text)


def _writes(grant: Grant) -> bool:
    """By the policy: what a tool says of itself decides nothing."""
    return grant.rule.kind == "write"


def _look(grant: Grant) -> str:
    """What is known of a call nobody heard the end of, and how to find out."""
    if not _writes(grant):
        return "Whether it acted is unknown; look before you repeat a change."
    unknown = f"Whether it acted is unknown: it is on the record as call {grant.call.id}."
    if KEY in grant.call.arguments:
        return f"{unknown} Look first; repeat it only with the same {KEY}, which acts once."
    return f"{unknown} Look whether the change is there; do not repeat it before."


def _fault_code(result: Mapping[str, Any]) -> str:
    """The server's own word for a foreseen failure; a bug of its tool has none."""
    with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError):
        code = msgspec.json.decode(result["_meta"])[FAULT]["code"]
        if isinstance(code, str) and code.isidentifier() and len(code) <= MAX_CODE:
            return code
    return "tool_error"
