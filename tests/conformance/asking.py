"""Tools that cannot finish without an answer from the client (multi round-trip requests)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import mcp_types as types

Tool = Callable[[Any, types.CallToolRequestParams], Awaitable[dict[str, Any]]]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def form(message: str, **properties: str) -> dict[str, Any]:
    """Ask the person to fill in a form."""
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }
    params = {"message": message, "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


def model(words: str) -> dict[str, Any]:
    """Ask the client's model."""
    params = {"messages": [{"role": "user", "content": text(words)}], "maxTokens": 100}
    return {"method": "sampling/createMessage", "params": params}


ROOTS: dict[str, Any] = {"method": "roots/list", "params": {}}


def asks(requests: Mapping[str, Any], state: str | None = None) -> dict[str, Any]:
    result: dict[str, Any] = {"resultType": "input_required", "inputRequests": dict(requests)}
    return result if state is None else {**result, "requestState": state}


def done(words: str = "Done.") -> dict[str, Any]:
    return {"content": [text(words)]}


def once(key: str, request: Mapping[str, Any]) -> Tool:
    """Asks for one thing, again and again until it is answered."""

    async def run(_ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
        answers = params.input_responses or {}
        return done() if key in answers else asks({key: request})

    return run


def remembering(words: str, requests: Mapping[str, Any]) -> Tool:
    """Asks with a state of its own, and finishes only when that comes back."""

    async def run(_ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
        answered = requests.keys() <= (params.input_responses or {}).keys()
        if answered and params.request_state == "asked":
            return done(words)
        return asks(requests, "asked")

    return run


async def rounds(_ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
    answers = params.input_responses or {}
    if params.request_state == "second" and "step2" in answers:
        return done()
    if params.request_state == "first" and "step1" in answers:
        return asks(
            {"step2": form("Step 2: What is your favorite color?", color="string")}, "second"
        )
    return asks({"step1": form("Step 1: What is your name?", name="string")}, "first")


async def as_declared(ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
    """Asks only for what this client said it can answer."""
    meta = ctx.meta or {}
    declared = meta.get("io.modelcontextprotocol/clientCapabilities") or {}
    kinds = {"elicitation": form("Your name?", name="string"), "sampling": model("Say hello.")}
    wanted = {kind: one for kind, one in kinds.items() if kind in declared}
    answered = wanted.keys() <= (params.input_responses or {}).keys()
    return done() if answered else asks(wanted)


async def after_progress(ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
    await ctx.session.report_progress(1, 2)
    return await once("user_name", form("What is your name?", name="string"))(ctx, params)


async def prompt(_ctx: Any, params: types.GetPromptRequestParams) -> dict[str, Any]:
    answers = params.input_responses or {}
    if "user_context" not in answers:
        return asks({"user_context": form("What context should it use?", context="string")})
    return {"messages": [{"role": "user", "content": text("With your context.")}]}


sampling = once("answer", model("What now?"))
elicitation = once("answer", form("What now?", response="string"))

_OK = {"confirm": form("Please confirm", ok="boolean")}
_NAME = form("What is your name?", name="string")
_PREFIX = "test_input_required_result_"

TOOLS: dict[str, Tool] = {
    _PREFIX + "elicitation": once("user_name", _NAME),
    _PREFIX + "sampling": once("capital_question", model("What is the capital of France?")),
    _PREFIX + "list_roots": once("client_roots", ROOTS),
    _PREFIX + "request_state": remembering("state-ok", _OK),
    _PREFIX + "tampered_state": remembering("untampered", _OK),
    _PREFIX + "multiple_inputs": remembering(
        "all of it",
        {"user_name": _NAME, "greeting": model("Generate a greeting"), "client_roots": ROOTS},
    ),
    _PREFIX + "multi_round": rounds,
    _PREFIX + "capabilities": as_declared,
    "test_streaming_elicitation": after_progress,
}
