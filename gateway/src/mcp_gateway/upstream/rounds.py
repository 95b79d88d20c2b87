"""Calls of several rounds: a server asks, the client answers, and the call goes on.

A server's `requestState` leaves only inside our seal, bound to person, agent, server, tool and
arguments, and for ten minutes; what comes back otherwise never reaches the server. A server may
ask only for what this client said it can answer, and an older client can answer nothing; it sends
people to no page but those of hosts that its policy lists.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from mcp_gateway.answers.links import listed
from mcp_gateway.call import Answer, Call, Grant, Raw
from mcp_gateway.protocol import META_CAPABILITIES
from mcp_gateway.refusals import (
    MISSING_CAPABILITY,
    Refusal,
    bad_state,
    leads_elsewhere,
    missing_capability,
    needs_newer_client,
    not_the_protocol,
)
from mcp_gateway.rights.policy import Rule
from mcp_gateway.seal import BrokenSealError, Seal

STATE_SECONDS = 600  # a person reads, thinks and answers
COMPLETE = b'"complete"'
# what a server asks for, and the capability with which a client says that it answers
KINDS = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}

_sealed = msgspec.json.Decoder(tuple[int, str])


class Rounds:
    def __init__(self, seal: Seal, clock: Callable[[], float] = time.time) -> None:
        self._seal = seal
        self._clock = clock

    def resumed(self, grant: Grant) -> Grant:
        """The grant with the server's own state in it, where the client brings one back.

        Raises:
            Refusal: the state is not from here, not for this call, or too old.

        """
        raw = grant.call.params.get("requestState")
        if raw is None:
            return grant
        state = _decoded(raw)
        params = {key: one for key, one in grant.call.params.items() if key != "requestState"}
        if state is not None:
            params["requestState"] = Raw(msgspec.json.encode(self._opened(grant, state)))
        return replace(grant, call=replace(grant.call, params=params))

    def _opened(self, grant: Grant, sealed: object) -> str:
        if not isinstance(sealed, str):
            raise bad_state(grant.call.era, "not_a_string")
        try:
            until, state = _sealed.decode(self._seal.open(sealed, _bound(grant)))
        except (BrokenSealError, msgspec.MsgspecError):
            raise bad_state(grant.call.era, "broken_seal") from None
        if self._clock() >= until:
            raise bad_state(grant.call.era, "expired")
        return state

    def asked(self, grant: Grant, answer: Answer) -> Answer:
        """The answer as this client can take it: complete, or a question it said it can answer."""
        if answer.result is None:
            return _without_means(grant.call, answer)
        raw = answer.result.get("resultType")
        if not isinstance(raw, Raw) or bytes(raw) == COMPLETE:
            return answer
        try:
            return self._question(grant, answer, _decoded(raw))
        except Refusal as refusal:
            return replace(refusal.answer(grant.call.method), status="failed")

    def _question(self, grant: Grant, answer: Answer, meaning: object) -> Answer:
        result = dict(answer.result or {})
        requests = requests_of(result)
        if meaning == "complete":
            return answer
        if meaning != "input_required" or requests is None:
            raise not_the_protocol()
        if grant.call.era == "legacy":
            raise needs_newer_client()
        insist_it_may_ask(grant.call, grant.rule, requests)
        if "requestState" in result:
            state = _decoded(result["requestState"])
            if not isinstance(state, str):
                raise not_the_protocol()
            plain = msgspec.json.encode((int(self._clock()) + STATE_SECONDS, state))
            result["requestState"] = self._seal.close(plain, _bound(grant))
        return replace(answer, reason="input_required", result=result)


def _bound(grant: Grant) -> bytes:
    """Everything a state is for; JSON keeps the parts apart."""
    arguments = json.dumps(grant.call.arguments, sort_keys=True).encode()
    return msgspec.json.encode(
        [
            "requestState", grant.principal.issuer, grant.principal.subject,
            grant.principal.agent, grant.server, grant.call.method, grant.target,
            hashlib.sha256(arguments).hexdigest(),
        ]
    )  # fmt: skip


def requests_of(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What is asked, by key; None when it is neither that nor a state alone."""
    raw = result.get("inputRequests")
    if raw is None:
        return {} if "requestState" in result else None
    found = _decoded(raw)
    if not isinstance(found, dict):
        return None
    known = all(isinstance(one, dict) and one.get("method") in KINDS for one in found.values())
    return found if known else None


def insist_it_may_ask(call: Call, rule: Rule, requests: Mapping[str, Any]) -> None:
    """Let the server ask this client.

    Raises:
        Refusal: it asks for what the client cannot answer, or sends the person elsewhere.

    """
    if missing := dict(undeclared(call, requests.values())):
        raise missing_capability(missing)
    for request in requests.values():
        params = request.get("params")
        pages = isinstance(params, dict) and (params.get("mode") == "url" or "url" in params)
        if pages and not listed(params.get("url"), rule.answers.links):
            raise leads_elsewhere()


def undeclared(call: Call, requests: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The capabilities that these requests need and the client did not declare."""
    declared = _decoded(call.meta.get(META_CAPABILITIES, Raw(b"{}")))
    for request in requests:
        capability = KINDS[request["method"]]
        has = declared.get(capability) if isinstance(declared, dict) else None
        params = request.get("params")
        mode = str(params.get("mode", "form")) if isinstance(params, dict) else "form"
        if not isinstance(has, dict):
            yield capability, {}
        elif capability == "elicitation" and mode not in (has or {"form": {}}):
            yield capability, {mode[:16]: {}}


def _without_means(call: Call, answer: Answer) -> Answer:
    """A server that misses a capability: an older client has no way to declare one per call."""
    if call.era == "legacy" and (answer.error or {}).get("code") == MISSING_CAPABILITY:
        return replace(needs_newer_client().answer(call.method), status="failed")
    return answer


def _decoded(raw: Any) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None
