"""The wire: caps the body, checks Origin and Host, frames answers as JSON or events.

Bare ASGI, no framework on the hot route. Decides nothing about rights.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from starlette.types import Receive, Scope, Send

from mcp_gateway.call import AGGREGATE, Call, Principal
from mcp_gateway.carry import ENDING
from mcp_gateway.door.floods import Floods
from mcp_gateway.door.ids import call_id
from mcp_gateway.door.presence import Gone, Presence
from mcp_gateway.door.read import Notification, read
from mcp_gateway.door.response import Response
from mcp_gateway.door.turned_away import TurnedAway
from mcp_gateway.door.withdrawals import Withdrawals
from mcp_gateway.pipeline import Pipeline
from mcp_gateway.refusals import (
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    TIMED_OUT,
    UNSUPPORTED_MEDIA,
    Refusal,
    malformed,
    too_large,
    unknown_server,
)
from mcp_gateway.telemetry.measures import Measures
from mcp_gateway.telemetry.spans import Spans
from mcp_gateway.upstream.outgoing import TRACE
from mcp_shared import logs, telemetry

log = logging.getLogger(__name__)
spans = Spans("mcp_gateway")

BODY_SECONDS = 30.0
ENDING_SECONDS = 5.0  # for outcomes of calls that did not finish before the gateway ends
MAX_PATH = 128  # characters of a path that go on the record
# one value each, or the request is ambiguous (CWE-444)
SINGLE = frozenset(
    {
        b"authorization", b"content-length", b"content-type", b"host", b"mcp-method", b"mcp-name",
        b"mcp-protocol-version", b"origin", b"transfer-encoding",
    }
)  # fmt: skip


@dataclass
class Edge:
    pipeline: Pipeline
    measures: Measures
    servers: frozenset[str]
    body_bytes: int
    origins: frozenset[str]
    hosts: frozenset[str]
    turned_away: TurnedAway
    floods: Floods
    withdrawals: Withdrawals = field(default_factory=Withdrawals)
    _under_way: set["asyncio.Task[Any]"] = field(default_factory=set)

    async def aclose(self) -> None:
        """End what is under way and wait until its outcome is on the record."""
        for work in (under_way := list(self._under_way)):
            work.cancel(ENDING)
        if under_way:
            await asyncio.wait(under_way, timeout=ENDING_SECONDS)

    def endpoint(self, path: str) -> str | None:
        """The endpoint at this path; None when it is no MCP endpoint."""
        if path == "/mcp":
            return AGGREGATE
        name = path.removeprefix("/servers/").removesuffix("/mcp")
        return name if path == f"/servers/{name}/mcp" and name != AGGREGATE else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = Response(send)
        call: Call | None = None
        principal: Principal | None = None
        request_id = call_id()
        logs.call_id.set(request_id)
        try:
            self.floods.admit(scope)
            headers, authorization = self._headers(scope)
            endpoint = self.endpoint(scope["path"])
            if endpoint is None or (endpoint != AGGREGATE and endpoint not in self.servers):
                raise unknown_server()
            if scope["method"] != "POST":
                raise _not_allowed()
            _negotiable(headers)
            # before the body: whoever has no token sends us no megabytes
            principal = await self.pipeline.authenticate(authorization, endpoint)
            self.floods.admit_person(principal)
            body = await self._body(headers, receive)
            message = read(body, headers, endpoint=endpoint, call_id=request_id)
            if isinstance(message, Notification):
                if message.cancels is not None:
                    self.withdrawals.withdraw(principal, endpoint, message.cancels)
                await response.empty(202)
                return
            call = message
            if "text/event-stream" in headers.get("accept", ""):
                response.may_stream = True
            await self._answer(call, principal, scope["path"][:MAX_PATH], receive, response)
        except Gone:
            log.info("caller gone", extra={"method": call.method if call else None})
        except Refusal as refusal:
            if self.floods.count(refusal, scope, principal):
                self.turned_away.note(refusal, scope["path"][:MAX_PATH], principal)
            await response.answer(call, refusal.answer(""), refusal.request_id)

    async def _answer(
        self, call: Call, principal: Principal, path: str, receive: Receive, response: Response
    ) -> None:
        work = asyncio.current_task()
        assert work is not None  # noqa: S101  this is a coroutine
        self._under_way.add(work)
        tool = self.measures.known_tool(call)
        span = self._span(call, principal, tool)
        joined = context.attach(trace.set_span_in_context(span))
        started = time.perf_counter()
        try:
            try:
                with Presence(receive), self.withdrawals.possible(call, principal, work):
                    answer = await self.pipeline.handle(call, principal, response.emit)
            except Refusal as refusal:
                if refusal.code != "ledger_unavailable":  # that one is counted where it arises
                    self.turned_away.note(refusal, path, principal)
                answer = refusal.answer(call.method)
            span.set_attribute(telemetry.STATUS, answer.status)
            if answer.status not in {"ok", "refused"}:
                span.set_attribute("error.type", answer.reason)
                span.set_status(StatusCode.ERROR)
            seconds = time.perf_counter() - started
            self.measures.operation(call, tool, answer, seconds)
            said = {
                "method": call.method[:64], "tool": tool, "status": answer.status,
                "reason": answer.reason, "ms": round(seconds * 1000, 1),
            }  # fmt: skip
            logs.tell(log, "call", said)
            await response.answer(call, answer)
        finally:
            response.end()
            self._under_way.discard(work)
            context.detach(joined)
            span.end()

    def _span(self, call: Call, principal: Principal, tool: str | None) -> Span:
        """The span of the whole call: who and which, no argument; a made-up name is `_OTHER`."""
        before = Context()
        if call.traceparent:
            before = TRACE.extract({"traceparent": call.traceparent}, before)
        method = self.measures.known_method(call)
        attributes: dict[str, Any] = {
            "mcp.method.name": method,
            "mcp.protocol.version": call.version,
            telemetry.PERSON: principal.username,
            telemetry.AGENT: principal.agent,
            telemetry.CALL: call.id,
        }
        if tool is not None:
            attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
        shown = f"{method} {tool}" if tool else method
        return spans.begin(shown, SpanKind.SERVER, attributes, before)

    def _headers(self, scope: Scope) -> tuple[dict[str, str], list[str]]:
        headers: dict[str, str] = {}
        authorization: list[str] = []
        for raw_key, raw_value in scope["headers"]:
            key, value = raw_key.decode("latin-1"), raw_value.decode("latin-1").strip(" \t")
            if raw_key == b"authorization":
                authorization.append(value)
            elif key in headers and (raw_key in SINGLE or key.startswith("mcp-param-")):
                raise malformed(f"Header {key} is given twice.")
            headers[key] = value
        if headers.get("host", "") not in self.hosts:
            raise Refusal("wrong_host", "Unknown Host.", http=403, rpc=-31403)
        origin = headers.get("origin")
        if origin is not None and origin not in self.origins:
            raise Refusal("wrong_origin", "Origin not allowed.", http=403, rpc=-31403)
        return headers, authorization

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        announced = headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self.body_bytes:
            raise too_large(self.body_bytes)
        chunks, size = [], 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Gone
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > self.body_bytes:
                        raise too_large(self.body_bytes)
                    if not message.get("more_body"):
                        return b"".join(chunks)
        except TimeoutError:
            raise Refusal(
                "slow_body", "The body did not arrive in time.", http=408, rpc=TIMED_OUT
            ) from None


def _not_allowed() -> Refusal:
    return Refusal(
        "method_not_allowed",
        "Only POST is served here; there are no sessions and no stream to GET.",
        http=405,
        rpc=METHOD_NOT_ALLOWED,
        headers=(("Allow", "POST"),),
    )


def _negotiable(headers: Mapping[str, str]) -> None:
    if headers.get("content-encoding", "identity") != "identity":
        raise Refusal(
            "compressed", "Compressed requests are not read.", http=415, rpc=UNSUPPORTED_MEDIA
        )
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal("media_type", "Send application/json.", http=415, rpc=UNSUPPORTED_MEDIA)
    accept = headers.get("accept", "*/*")
    if not any(one in accept for one in ("application/json", "application/*", "*/*")):
        raise Refusal("not_acceptable", "Accept application/json.", http=406, rpc=NOT_ACCEPTABLE)
