"""A receipt becomes an answer: one request to one server, with a deadline and a size cap.

Only a connect that sent nothing is retried: a server retries its system of record, and retries in
two layers multiply. Failures come back as an `Answer`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from mcp_gateway.breaker import Breaker
from mcp_gateway.call import Answer, Call, Grant, Raw, Receipt
from mcp_gateway.exchange import Exchange
from mcp_gateway.notes import Notes
from mcp_gateway.outbound import BrokenError, Outbound, Reply, UnreachableError
from mcp_gateway.outgoing import envelope, headers
from mcp_gateway.read import META_CAPABILITIES, META_VERSION, MODERN
from mcp_gateway.refusals import INTERNAL_ERROR, METHOD_NOT_FOUND, Refusal, unavailable
from mcp_gateway.sse import MessageTooLargeError, messages
from mcp_shared.meta import FAULT

log = logging.getLogger(__name__)
tracer = trace.get_tracer("mcp_gateway")

Emit = Callable[[bytes], Awaitable[None]]

_slices = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.Encoder().encode
MAX_CODE = 32  # characters; a code is a word, not a message
CIRCUIT_OPEN = "circuit_open"
NAMED = ("tools/call", "prompts/get")


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server behind the gateway: where it is, and who it is."""

    name: str
    address: str
    resource: str


# told of each request: the server, the call, its answer, and seconds
Measure = Callable[[str, Call, Answer, float], None]

# what the bytes of a server can come to
GARBAGE = (BrokenError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError)


class TooMuchError(Exception):
    """The server's answer is larger than the gateway passes on."""


class Forward:
    def __init__(
        self,
        *,
        client: Outbound,
        exchange: Exchange,
        upstreams: Mapping[str, Upstream],
        endpoints: Mapping[str, str],
        answer_bytes: int,
        measure: Measure = lambda *_: None,
    ) -> None:
        self._client = client
        self._exchange = exchange
        self._upstreams = upstreams
        self._endpoints = endpoints
        self._cap = answer_bytes
        self._measure = measure
        self._breakers = {name: Breaker() for name in upstreams}

    @property
    def resting(self) -> Mapping[str, bool]:
        """By server, whether its breaker is open."""
        return {name: breaker.resting for name, breaker in self._breakers.items()}

    async def __call__(self, receipt: Receipt, emit: Emit | None = None) -> Answer:
        """Send the granted call; notifications on the way go to `emit`, the answer comes back."""
        grant = receipt.grant
        upstream = self._upstreams[grant.server]
        begun = 0.0
        try:
            async with asyncio.timeout(grant.rule.timeout):
                token = await self._exchange.token(
                    grant.principal,
                    self._endpoints[grant.call.endpoint],
                    upstream.name,
                    upstream.resource,
                )
                span = tracer.start_span(
                    _span_name(grant),
                    kind=SpanKind.CLIENT,
                    attributes={"server.address": upstream.name},
                )
                try:
                    body = envelope(grant.call, grant.target, span)
                    head = headers(grant.call, grant.target, token, grant.rule.timeout)
                    begun = time.perf_counter()
                    answer = await self._send(upstream, body, head, grant.call, emit)
                except BaseException:
                    span.set_status(StatusCode.ERROR)
                    raise
                finally:
                    span.end()
        except TimeoutError:
            if begun:  # a server that hangs rests, too: the next callers hear at once
                self._breakers[upstream.name].failed()
            answer = _timed_out(grant.call, grant.rule.timeout, wrote=grant.rule.kind == "write")
        except Refusal as refusal:
            answer = _as_failed(refusal.answer(grant.call.method))
        if begun and answer.reason != CIRCUIT_OPEN:  # what rests was not asked
            self._measure(upstream.name, grant.call, answer, time.perf_counter() - begun)
        return answer

    async def ask(self, server: str, method: str, params: dict[str, Any]) -> Mapping[str, Raw]:
        """One request of the gateway's own, with its own token: reading definitions.

        Raises:
            Refusal: the server or the issuer is away.

        """
        upstream = self._upstreams[server]
        token = await self._exchange.own_token(self._endpoints[server], server)
        meta = {META_VERSION: MODERN, META_CAPABILITIES: {}}
        body = _encode(
            {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        )
        head = {
            "authorization": f"Bearer {token}", "content-type": "application/json",
            "accept": "application/json, text/event-stream", "mcp-protocol-version": MODERN,
            "mcp-method": method,
        }  # fmt: skip
        try:
            async with asyncio.timeout(10):
                with await self._open(upstream, body, head) as response:
                    document = _slices.decode(await self._read(response))
                    return _slices.decode(document["result"])
        except (UnreachableError, TimeoutError, TooMuchError, *GARBAGE) as error:
            raise unavailable("server_unavailable", f"{server} does not answer.") from error

    async def _send(
        self,
        upstream: Upstream,
        body: bytes,
        head: dict[str, str],
        call: Call,
        emit: Emit | None,
    ) -> Answer:
        breaker = self._breakers[upstream.name]
        if (wait := breaker.wait()) > 0:
            raise unavailable(CIRCUIT_OPEN, f"{upstream.name} is failing and rests.", wait)
        sent = False
        try:
            with await self._open(upstream, body, head) as response:
                sent = True
                kind = response.headers.get("content-type", "")
                if kind.startswith("text/event-stream"):
                    document = await self._stream(response, call, emit)
                else:
                    document = await self._read(response)
                answer = _interpret(document, response.status, call)
        except UnreachableError:
            breaker.failed()
            raise unavailable("server_unavailable", f"{upstream.name} cannot be reached.") from None
        except (TooMuchError, MessageTooLargeError):
            breaker.worked()
            return _failed(call, "answer_too_large", _TOO_MUCH)
        except GARBAGE as error:
            breaker.failed()
            log.warning(
                "upstream failed",
                extra={"server": upstream.name, "error": type(error).__name__, "sent": sent},
            )
            return _failed(call, "server_failed", _BROKE.format(upstream.name), status="unknown")
        breaker.worked() if answer.reason != "server_failed" else breaker.failed()
        return answer

    async def _open(self, upstream: Upstream, body: bytes, head: dict[str, str]) -> Reply:
        """Connect once more when nothing was sent: the server may be starting again."""
        try:
            return await self._client.post(upstream.address, head, body)
        except UnreachableError:
            await asyncio.sleep(0.05)
            return await self._client.post(upstream.address, head, body)

    async def _read(self, response: Reply) -> bytes:
        chunks, size = [], 0
        while (chunk := await response.read_chunk()) is not None:
            size += len(chunk)
            if size > self._cap:
                raise TooMuchError
            chunks.append(chunk)
        return b"".join(chunks)

    async def _stream(self, response: Reply, call: Call, emit: Emit | None) -> bytes:
        """Pass notifications on; hold the final message, which leaves only when it is recorded.

        Only what is surely a notification leaves early, written anew: nothing in a server's bytes
        can read to the client as a second answer. And only what the request asked for.
        """
        notes = Notes(call)
        async for message in messages(response, self._cap):
            parts = _slices.decode(message)
            if "method" not in parts or "id" in parts:
                return message
            if emit is not None and (note := notes.passing(parts)) is not None:
                await emit(note)
        raise KeyError("stream ended without a response")


def _span_name(grant: Grant) -> str:
    """Tools and prompts by name; which resource is read is the caller's argument."""
    method = grant.call.method
    return f"{method} {grant.target}" if method in NAMED else method


_TOO_MUCH = (
    "The server's answer was too large to pass on. Ask for less: a narrower question or a page."
)
_BROKE = "{} broke off in the middle. Whether it acted is unknown; look before you repeat a change."


def _interpret(document: bytes, http: int, call: Call) -> Answer:
    document.decode()  # slices are not looked into, and would pass on what is not UTF-8
    message = _slices.decode(document)
    if "error" in message:
        error = msgspec.json.decode(message["error"])
        code = error.get("code") if isinstance(error, dict) else None
        if http in (401, 403) or http >= 500 or not isinstance(code, int) or code == INTERNAL_ERROR:
            log.warning("server error", extra={"http": http, "code": code})
            return _failed(call, "server_failed", "The server failed to answer this call.")
        status = 404 if code == METHOD_NOT_FOUND else 400
        return Answer(
            status="failed", reason=str(code), http=status if call.era == "modern" else 200,
            error=error,
            size=len(document),
        )  # fmt: skip
    result: dict[str, Any] = dict(_slices.decode(message["result"]))
    failed = bytes(result.get("isError", b"")) == b"true"
    return Answer(
        status="tool_error" if failed else "ok",
        reason=_fault_code(result) if failed else "",
        result=result,
        size=len(document),
    )


def _fault_code(result: Mapping[str, Any]) -> str:
    """The server's own word for a foreseen failure; a bug of its tool has none."""
    with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError):
        code = msgspec.json.decode(result["_meta"])[FAULT]["code"]
        if isinstance(code, str) and code.isidentifier() and len(code) <= MAX_CODE:
            return code
    return "tool_error"


def _failed(call: Call, code: str, text: str, *, status: str = "failed") -> Answer:
    refusal = Refusal(code, text, http=502, rpc=INTERNAL_ERROR, tool_text=text)
    return _as_failed(refusal.answer(call.method), status)


def _timed_out(call: Call, seconds: float, *, wrote: bool) -> Answer:
    text = f"No answer within {seconds:g} s, so the call was cancelled."
    text += (
        " Whether it acted is unknown; look before you repeat it with the same idempotency key."
        if wrote
        else " Ask for less: a narrower question, a shorter period or a smaller page."
    )
    return _failed(call, "timed_out", text, status="unknown" if wrote else "failed")


def _as_failed(answer: Answer, status: str = "failed") -> Answer:
    return Answer(
        status="unknown" if status == "unknown" else "failed",
        reason=answer.reason,
        http=answer.http,
        headers=answer.headers,
        result=answer.result,
        error=answer.error,
    )
