"""The request as a server gets it: always protocol 2026-07-28, in our own envelope.

The envelope is written anew (own id, the server's own names, our trace); argument and content
bytes pass as they are.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mcp_gateway.call import Call, Raw
from mcp_gateway.protocol import LOG_LEVEL, META_CAPABILITIES, META_VERSION, MODERN, encode_header
from mcp_shared.meta import CALL
from mcp_shared.tasks.wire import IDENTIFIER

GATEWAY_INFO = Raw(b'{"name":"mcp-gateway","version":"0.1.0"}')
KEPT_META = ("progressToken", META_CAPABILITIES, LOG_LEVEL)
# an older client sets its level once, for a session; there is none to remember it
LEGACY_LOG_LEVEL = "info"

TRACE = TraceContextTextMapPropagator()

TASKS = msgspec.json.encode({IDENTIFIER: {}})

_encode = msgspec.json.Encoder().encode


def envelope(call: Call, target: str | None, span: Span = trace.INVALID_SPAN) -> bytes:
    """The request as the server gets it; its own spans belong under `span`."""
    meta: dict[str, Any] = {key: call.meta[key] for key in KEPT_META if key in call.meta}
    meta[META_CAPABILITIES] = _capabilities(call)
    if call.era == "legacy":
        meta[LOG_LEVEL] = LEGACY_LOG_LEVEL
    meta[META_VERSION] = MODERN
    meta["io.modelcontextprotocol/clientInfo"] = GATEWAY_INFO
    meta[CALL] = call.id
    TRACE.inject(meta, trace.set_span_in_context(span))
    params: dict[str, Any] = {**call.params, "_meta": meta}
    if target is not None and "name" in params:
        params["name"] = target
    return _encode({"jsonrpc": "2.0", "id": call.id, "method": call.method, "params": params})


def headers(call: Call, target: str | None, token: str, timeout: float) -> dict[str, str]:
    made = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": MODERN,
        "mcp-method": call.method,
        "x-request-deadline-ms": str(int(timeout * 1000)),
        **dict(call.param_headers),
    }
    if target is not None:
        made["mcp-name"] = encode_header(target)
    return made


def _capabilities(call: Call) -> Mapping[str, Any] | Raw:
    """What the client can answer, less the extensions but tasks, where the policy has them."""
    if call.era == "legacy":
        return {}  # an older client cannot answer what a server might ask
    declared = call.meta.get(META_CAPABILITIES, Raw(b"{}"))
    if b"extensions" not in bytes(declared):
        return declared
    found = msgspec.json.decode(declared, type=dict[str, Raw])
    kept = {key: value for key, value in found.items() if key != "extensions"}
    return {**kept, "extensions": Raw(TASKS)} if call.tasks else kept
