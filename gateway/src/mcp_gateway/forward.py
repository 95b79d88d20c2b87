"""A receipt becomes an answer: one request to one server, with a deadline and a size cap.

Upstream is always protocol 2026-07-28. The envelope is written anew (own id, the server's own
names, our trace); argument and content bytes pass as they are. Only a connect that sent nothing
is retried: a server retries its system of record, and retries in two layers multiply. Failures
come back as an `Answer`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind
from pyreqwest.client import Client
from pyreqwest.exceptions import ConnectError, PyreqwestError
from pyreqwest.response import Response

from mcp_gateway.breaker import Breaker
from mcp_gateway.call import Answer, Call, Raw, Receipt
from mcp_gateway.exchange import Exchange
from mcp_gateway.read import META_CAPABILITIES, META_VERSION, MODERN, encode_header
from mcp_gateway.refusals import INTERNAL_ERROR, Refusal, unavailable
from mcp_gateway.sse import MessageTooLargeError, messages
from mcp_shared.logs import CALL_META

log = logging.getLogger(__name__)
tracer = trace.get_tracer("mcp_gateway")

Emit = Callable[[bytes], Awaitable[None]]

_slices = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.Encoder().encode
GATEWAY_INFO = Raw(b'{"name":"mcp-gateway","version":"0.1.0"}')
KEPT_META = ("progressToken", META_CAPABILITIES, "io.modelcontextprotocol/logLevel")


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server behind the gateway: where it is, and who it is."""

    name: str
    address: str
    resource: str


class TooMuchError(Exception):
    """The server's answer is larger than the gateway passes on."""


class Forward:
    def __init__(
        self,
        *,
        client: Client,
        exchange: Exchange,
        upstreams: Mapping[str, Upstream],
        endpoints: Mapping[str, str],
        answer_bytes: int,
    ) -> None:
        self._client = client
        self._exchange = exchange
        self._upstreams = upstreams
        self._endpoints = endpoints
        self._cap = answer_bytes
        self._breakers = {name: Breaker() for name in upstreams}

    async def __call__(self, receipt: Receipt, emit: Emit | None = None) -> Answer:
        """Send the granted call; notifications on the way go to `emit`, the answer comes back."""
        grant = receipt.grant
        upstream = self._upstreams[grant.server]
        try:
            async with asyncio.timeout(grant.rule.timeout):
                token = await self._exchange.token(
                    grant.principal,
                    self._endpoints[grant.call.endpoint],
                    upstream.name,
                    upstream.resource,
                )
                with tracer.start_as_current_span(
                    f"{grant.call.method} {grant.target}", kind=SpanKind.CLIENT
                ) as span:
                    span.set_attribute("server.address", upstream.name)
                    body = envelope(grant.call, grant.target)
                    headers = _headers(grant.call, grant.target, token, grant.rule.timeout)
                    return await self._send(upstream, body, headers, grant.call, emit)
        except TimeoutError:
            return _timed_out(grant.call, grant.rule.timeout, wrote=grant.rule.kind == "write")
        except Refusal as refusal:
            return _as_failed(refusal.answer(grant.call.method))

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
        headers = {
            "authorization": f"Bearer {token}", "content-type": "application/json",
            "accept": "application/json, text/event-stream", "mcp-protocol-version": MODERN,
            "mcp-method": method,
        }  # fmt: skip
        try:
            async with asyncio.timeout(10), self._open(upstream, body, headers) as response:
                document = _slices.decode(await self._read(response))
                return _slices.decode(document["result"])
        except (PyreqwestError, TimeoutError, KeyError, TooMuchError, msgspec.DecodeError) as error:
            raise unavailable("server_unavailable", f"{server} does not answer.") from error

    async def _send(
        self,
        upstream: Upstream,
        body: bytes,
        headers: dict[str, str],
        call: Call,
        emit: Emit | None,
    ) -> Answer:
        breaker = self._breakers[upstream.name]
        if (wait := breaker.wait()) > 0:
            raise unavailable("circuit_open", f"{upstream.name} is failing and rests.", wait)
        sent = False
        try:
            async with self._open(upstream, body, headers) as response:
                sent = True
                kind = response.get_header("content-type") or ""
                if kind.startswith("text/event-stream"):
                    document = await self._stream(response, emit)
                else:
                    document = await self._read(response)
                answer = _interpret(document, response.status, call)
        except ConnectError:
            breaker.failed()
            raise unavailable("server_unavailable", f"{upstream.name} cannot be reached.") from None
        except (TooMuchError, MessageTooLargeError):
            breaker.worked()
            return _failed(call, "answer_too_large", _TOO_MUCH)
        except (PyreqwestError, msgspec.DecodeError, KeyError) as error:
            breaker.failed()
            log.warning(
                "upstream failed",
                extra={"server": upstream.name, "error": type(error).__name__, "sent": sent},
            )
            return _failed(call, "server_failed", _BROKE.format(upstream.name), status="unknown")
        breaker.worked() if answer.reason != "server_failed" else breaker.failed()
        return answer

    @asynccontextmanager
    async def _open(
        self, upstream: Upstream, body: bytes, headers: dict[str, str]
    ) -> AsyncIterator[Response]:
        """Connect once more when nothing was sent: the pooled connection may be closed."""
        for attempt in (1, 2):
            request = self._client.post(upstream.address).headers(headers).body_bytes(body)
            stream = request.build_streamed()
            try:
                response = await stream.__aenter__()
            except ConnectError:
                if attempt == 2:
                    raise
                await asyncio.sleep(0.05)
                continue
            try:
                yield response
            finally:
                await stream.__aexit__(None, None, None)
            return

    async def _read(self, response: Response) -> bytes:
        chunks, size = [], 0
        while (chunk := await response.body_reader.read_chunk()) is not None:
            size += len(chunk)
            if size > self._cap:
                raise TooMuchError
            chunks.append(bytes(chunk))
        return b"".join(chunks)

    async def _stream(self, response: Response, emit: Emit | None) -> bytes:
        """Pass notifications on; hold the final message, which leaves only when it is recorded."""
        async for message in messages(response.body_reader, self._cap):
            if b'"id"' in message and "id" in _slices.decode(message):
                return message
            if emit is not None:
                await emit(message)
        raise KeyError("stream ended without a response")


_TOO_MUCH = (
    "The server's answer was too large to pass on. Ask for less: a narrower question or a page."
)
_BROKE = "{} broke off in the middle. Whether it acted is unknown; look before you repeat a change."


def envelope(call: Call, target: str | None) -> bytes:
    """The request as the server gets it."""
    meta: dict[str, Any] = {key: call.meta[key] for key in KEPT_META if key in call.meta}
    meta.setdefault(META_CAPABILITIES, {})
    if call.era == "legacy":
        meta[META_CAPABILITIES] = {}  # an older client cannot answer what a server might ask
    meta[META_VERSION] = MODERN
    meta["io.modelcontextprotocol/clientInfo"] = GATEWAY_INFO
    meta[CALL_META] = call.id
    propagate.inject(meta)
    params: dict[str, Any] = {**call.params, "_meta": meta}
    if target is not None and "name" in params:
        params["name"] = target
    return _encode({"jsonrpc": "2.0", "id": call.id, "method": call.method, "params": params})


def _headers(call: Call, target: str | None, token: str, timeout: float) -> dict[str, str]:
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": MODERN,
        "mcp-method": call.method,
        "x-request-deadline-ms": str(int(timeout * 1000)),
        **dict(call.param_headers),
    }
    if target is not None:
        headers["mcp-name"] = encode_header(target)
    return headers


def _interpret(document: bytes, http: int, call: Call) -> Answer:
    message = _slices.decode(document)
    if "error" in message:
        error = msgspec.json.decode(message["error"])
        if http in (401, 403) or http >= 500 or error.get("code") == INTERNAL_ERROR:
            log.warning("server error", extra={"http": http, "code": error.get("code")})
            return _failed(call, "server_failed", "The server failed to answer this call.")
        status = 400 if call.era == "modern" else 200
        return Answer(
            status="failed", reason=str(error.get("code")), http=status, error=error,
            size=len(document),
        )  # fmt: skip
    result: dict[str, Any] = dict(_slices.decode(message["result"]))
    failed = bytes(result.get("isError", b"")) == b"true"
    return Answer(
        status="tool_error" if failed else "ok",
        reason="tool_error" if failed else "",
        result=result,
        size=len(document),
    )


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
