"""A receipt becomes an answer: one request to one server, with a deadline and a size cap.

Only a connect that sent nothing is retried: a server retries its system of record, and retries in
two layers multiply. Failures come back as an `Answer`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from opentelemetry.trace import SpanKind, StatusCode

from mcp_gateway.answers.inspection import Inspection
from mcp_gateway.call import Answer, Call, Emit, Grant, Raw, Receipt
from mcp_gateway.identity.exchange import Exchange
from mcp_gateway.protocol import META_CAPABILITIES, META_VERSION, MODERN
from mcp_gateway.refusals import Refusal, unavailable
from mcp_gateway.telemetry.spans import Spans
from mcp_gateway.upstream.breaker import Breaker
from mcp_gateway.upstream.interpret import as_failed, broken_off, interpreted, timed_out, too_much
from mcp_gateway.upstream.notes import Notes
from mcp_gateway.upstream.outbound import BrokenError, Outbound, Reply, UnreachableError
from mcp_gateway.upstream.outgoing import envelope, headers
from mcp_gateway.upstream.sse import MessageTooLargeError, Reader, messages

log = logging.getLogger(__name__)
spans = Spans("mcp_gateway")


_slices = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.Encoder().encode
# of an answer that has begun: a server that works on says so, in a comment at least
QUIET_SECONDS = 60.0
MOST_NOTES = 10_000  # on the way to one answer
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


class QuietError(Exception):
    """The server has begun its answer, and does not go on."""


class Forward:
    def __init__(
        self,
        *,
        client: Outbound,
        exchange: Exchange,
        upstreams: Mapping[str, Upstream],
        endpoints: Mapping[str, str],
        answer_bytes: int,
        inspect: Inspection,
        measure: Measure = lambda *_: None,
    ) -> None:
        self._client = client
        self._exchange = exchange
        self._upstreams = upstreams
        self._endpoints = endpoints
        self._cap = answer_bytes
        self._inspect = inspect
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
                said = {"server.address": upstream.name}
                span = spans.begin(_span_name(grant), SpanKind.CLIENT, said)
                try:
                    body = envelope(grant.call, grant.target, span)
                    head = headers(grant.call, grant.target, token, grant.rule.timeout)
                    begun = time.perf_counter()
                    answer = await self._send(upstream, body, head, grant, emit)
                except BaseException:
                    span.set_status(StatusCode.ERROR)
                    raise
                finally:
                    span.end()
        except TimeoutError:
            if begun:  # a server that hangs rests, too: the next callers hear at once
                self._breakers[upstream.name].failed()
            answer = timed_out(grant, sent=begun > 0)
        except Refusal as refusal:
            answer = as_failed(refusal.answer(grant.call.method))
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
        grant: Grant,
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
                    document = await self._stream(_steady(response, grant), grant, emit)
                else:
                    document = await self._read(_steady(response, grant))
                answer = interpreted(document, response.status, grant)
        except UnreachableError:
            breaker.failed()
            raise unavailable("server_unavailable", f"{upstream.name} cannot be reached.") from None
        except (TooMuchError, MessageTooLargeError):
            breaker.worked()
            return too_much(grant)
        except QuietError:
            breaker.failed()
            return timed_out(grant, sent=True, quiet=QUIET_SECONDS)
        except GARBAGE as error:
            breaker.failed()
            log.warning(
                "upstream failed",
                extra={"server": upstream.name, "error": type(error).__name__, "sent": sent},
            )
            return broken_off(grant)
        breaker.worked() if answer.reason != "server_failed" else breaker.failed()
        return await self._inspect(grant, answer, document)

    async def _open(self, upstream: Upstream, body: bytes, head: dict[str, str]) -> Reply:
        """Connect once more when nothing was sent: the server may be starting again."""
        try:
            return await self._client.post(upstream.address, head, body)
        except UnreachableError:
            await asyncio.sleep(0.05)
            return await self._client.post(upstream.address, head, body)

    async def _read(self, response: Reader) -> bytes:
        whole = bytearray()  # of chunks of a byte, a list would be large
        while (chunk := await response.read_chunk()) is not None:
            whole += chunk
            if len(whole) > self._cap:
                raise TooMuchError
        return bytes(whole)

    async def _stream(self, response: Reader, grant: Grant, emit: Emit | None) -> bytes:
        """Pass notifications on; hold the final message, which leaves only when it is recorded.

        Only what is surely a notification leaves early, written anew: nothing in a server's bytes
        can read to the client as a second answer. And only what the request asked for.
        """
        notes, count = Notes(grant.call), 0
        async for message in messages(response, self._cap):
            parts = _slices.decode(message)
            if "method" not in parts or "id" in parts:
                return message
            if (count := count + 1) > MOST_NOTES:
                raise TooMuchError
            if emit is None or (note := notes.passing(parts)) is None:
                continue
            if (clean := self._inspect.note(grant.rule.answers, note)) is not None:
                await emit(clean)
        raise KeyError("stream ended without a response")


def _steady(response: Reply, grant: Grant) -> Reader:
    """A call's own deadline is mostly the nearer one."""
    return response if grant.rule.timeout <= QUIET_SECONDS else Steady(response)


class Steady:
    """A reply that goes on, or ends: what has begun does not wait for its deadline in silence."""

    def __init__(self, response: Reply) -> None:
        self._response = response

    async def read_chunk(self) -> bytes | None:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                return await self._response.read_chunk()
        except TimeoutError:
            raise QuietError from None


def _span_name(grant: Grant) -> str:
    """Tools and prompts by name; which resource is read is the caller's argument."""
    method = grant.call.method
    return f"{method} {grant.target}" if method in NAMED else method
