"""What the ledger is told of every call: intent before it leaves, outcome before its answer does.

No record, no entry; no record, no answer. The only place that makes a Receipt.
"""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace
from opentelemetry import trace

from mcp_gateway.audit.ledger import Kind
from mcp_gateway.audit.payload import Payload, Vault
from mcp_gateway.audit.redaction import SALT_BYTES, redact
from mcp_gateway.audit.waiting import Entry, LedgerDown
from mcp_gateway.call import Answer, Call, Grant, Principal, Raw, Receipt
from mcp_gateway.refusals import Refusal, ledger_down
from mcp_gateway.rights.policy import Rule
from mcp_shared.meta import RECEIPT

log = logging.getLogger(__name__)

GONE = Answer(status="cancelled", reason="caller_gone", error={})


class Journal(Protocol):
    """The ledger, as far as calls need it."""

    def append(
        self, kind: Kind, body: Mapping[str, Any], payload: Payload | None = None
    ) -> Awaitable[Entry]: ...


def _roomy(_: str) -> None:
    pass


class Recorder:
    def __init__(
        self,
        journal: Journal,
        *,
        decided: Callable[[str, str], None],
        vault: Vault | None = None,
        required: bool = True,
    ) -> None:
        self._journal = journal
        self._vault = vault
        # counts decisions: (allow|deny|limit|error, reason)
        self._decided = decided
        # False: a call goes on without its record while the ledger is down; the ledger counts it
        self._required = required
        # raises a Refusal when the ledger's disk has no room for a call of this kind
        self.room: Callable[[str], None] = _roomy

    async def admit(self, grant: Grant) -> Receipt:
        """Make the intent durable. A caller who leaves during that leaves a whole record, too.

        Raises:
            Refusal: the ledger is down or its disk nearly full; nothing has been sent.

        """
        try:
            self.room(grant.rule.kind)
        except Refusal as refusal:
            self._decided("error", refusal.code)
            raise
        arguments, payload = self._arguments(grant.call, grant.principal, grant.rule)
        said = self._of(grant.call, grant.principal) | {
            "server": grant.server,
            "tool": grant.target,
            "decision": "allow",
            "policy": grant.policy,
            "definition": grant.definition,
        }
        try:
            await self._kept("intent", said | arguments, payload)
        except LedgerDown as error:
            if self._required:
                self._decided("error", "ledger_unavailable")
                raise ledger_down() from error
            self._decided("allow", "unrecorded")
            return Receipt(grant, time.perf_counter(), said)
        except asyncio.CancelledError:
            await self.close(Receipt(grant, time.perf_counter(), said), GONE)
            raise
        self._decided("allow", "role")
        return Receipt(grant, time.perf_counter(), said)

    def exempt(self, grant: Grant) -> Receipt:
        """A listing in the person's name: not on the record, it reads and changes no data."""
        return Receipt(grant, time.perf_counter())

    async def close(self, receipt: Receipt, answer: Answer) -> Answer:
        """Make the outcome durable; only then is there an answer to send."""
        body = {
            **receipt.said,
            "status": answer.status,
            "reason": answer.reason,
            "latency_ms": round((time.perf_counter() - receipt.started) * 1000, 3),
            "bytes": answer.size,
            "answer_sha256": _digest(answer),
        }
        if answer.inspected is not None:
            body["inspected"] = answer.inspected
        try:
            entry = await self._kept("outcome", body)
        except LedgerDown:
            self._decided("error", "outcome_unrecorded")
            return _unrecorded(receipt.grant.call) if self._required else answer
        return _with_receipt(answer, entry)

    async def refuse(
        self,
        call: Call,
        principal: Principal,
        refusal: Refusal,
        server: str | None,
        rule: Rule | None,
        policy: str,
    ) -> Answer:
        """Put a denial or a limit on the record, then say no.

        `rule` is the line of what was called, allowed or not: what it redacts stays out here, too.
        """
        self._decided(refusal.decision, refusal.code)
        arguments, payload = self._arguments(call, principal, rule)
        body = self._of(call, principal) | {
            "server": server,
            "tool": _own_name(call, server),
            **arguments,
            "decision": refusal.decision,
            "reason": refusal.reason,
            "policy": policy,
            "status": "refused",
        }
        answer = refusal.answer(call.method)
        try:
            entry = await self._kept("refusal", body, payload)
        except LedgerDown:
            return ledger_down().answer(call.method) if self._required else answer
        return _with_receipt(answer, entry)

    async def begin(self) -> None:
        """Put on the record that calls may go on without one, where they may."""
        if not self._required:
            log.warning("calls go on unrecorded while the ledger is down: best-effort")
            await self.event("ledger_mode", {"mode": "best-effort"})

    async def event(self, name: str, detail: Mapping[str, Any]) -> None:
        """Something that is not a call: drift, a policy change, a sign-in to the console.

        Raises:
            Refusal: the ledger is down.

        """
        try:
            await self._kept("event", {"reason": name, "detail": detail})
        except LedgerDown as error:
            if self._required:
                raise ledger_down() from error

    def _arguments(
        self, call: Call, principal: Principal, rule: Rule | None
    ) -> tuple[dict[str, Any], Payload | None]:
        """What the body says of the arguments, and what is kept of them encrypted."""
        salt = os.urandom(SALT_BYTES)
        if rule is None or rule.keep != "encrypted":
            kept = redact(call.arguments, rule.redact if rule else (), salt=salt)
            return {"args": kept.arguments, "args_c": kept.commitment}, None
        # no value stays in the body: it could not be erased there
        kept = redact(call.arguments, (*rule.redact, "$.*"), salt=salt)
        body = {"args": kept.arguments, "args_c": kept.commitment}
        if self._vault is None:
            return body | {"payload": {"left_out": "no_key"}}, None
        payload = self._vault.seal(
            principal.issuer, principal.subject, call.id, call.arguments, salt
        )
        return body | {"payload": payload.mark() if payload else {"left_out": "too_large"}}, payload

    async def _kept(
        self, kind: Kind, body: Mapping[str, Any], payload: Payload | None = None
    ) -> Entry:
        """Its place, once it is durable. Also who is cancelled waits for that (`Waiter`): a
        request whose caller has gone still has an outcome.
        """
        return await self._journal.append(kind, body, payload)

    def _of(self, call: Call, principal: Principal) -> dict[str, Any]:
        span = trace.get_current_span().get_span_context()
        # nobody behind it: `person` is then the name of the service's own account
        service = {"service": True} if principal.service else {}
        return {
            **service,
            "rid": call.id,
            "iss": principal.issuer,
            "sub": principal.subject,
            "person": principal.username,
            "agent": principal.agent,
            "roles": sorted(principal.roles),
            "method": call.method,
            "era": call.version,
            "trace": format(span.trace_id, "032x") if span.is_valid else None,
        }


def _own_name(call: Call, server: str | None) -> str | None:
    """The name as the server has it, so that one tool has one name in the record."""
    if call.name is None or server is None or call.endpoint:
        return call.name
    return call.name.removeprefix(f"{server}_")


def _digest(answer: Answer) -> str | None:
    """A hash over the answer's content, so that a receipt proves what was answered."""
    if answer.result is None:
        return None
    digest = hashlib.sha256()
    for key in ("content", "structuredContent", "contents", "messages"):
        value = answer.result.get(key)
        if isinstance(value, Raw):
            digest.update(bytes(value))
    return digest.hexdigest()


def _with_receipt(answer: Answer, entry: Entry) -> Answer:
    """In `result._meta`, or in `error.data` of a JSON-RPC error."""
    receipt = entry.receipt()
    if answer.result is not None:
        meta = _meta(answer.result.get("_meta"))
        result = {**answer.result, "_meta": {**meta, RECEIPT: receipt}}
        return replace(answer, result=result)
    error = dict(answer.error or {})
    data = error.get("data")
    error["data"] = {**(data if isinstance(data, dict) else {}), RECEIPT: receipt}
    return replace(answer, error=error)


def _meta(value: object) -> Mapping[str, Any]:
    """What stood in `_meta`; a server that puts no object there loses it."""
    if isinstance(value, Raw):
        try:
            return msgspec.json.decode(value, type=dict[str, Raw])
        except msgspec.DecodeError:
            return {}
    return value if isinstance(value, Mapping) else {}


def _unrecorded(call: Call) -> Answer:
    """The server has answered, but its outcome could not be recorded: the answer must not leave."""
    text = (
        "The call was made, but its outcome could not be recorded, so it cannot be shown. Whether "
        f"it acted is unknown; repeat a change only with the same idempotency key. Call {call.id}."
    )
    refusal = Refusal(
        "outcome_unrecorded", text, http=503, rpc=-31503, headers=(("Retry-After", "5"),)
    )
    return refusal.answer(call.method)
