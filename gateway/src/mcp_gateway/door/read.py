"""Bytes and headers become a `Call`, or a refusal that says what is wrong.

Pure: no clock, no network, no state. The body is the source of truth; headers must agree with it
(protocol 2026-07-28, Streamable HTTP). One parse looks (document.py), and one that slices keeps
the bytes that are forwarded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mcp_gateway.call import Call, Era, Raw
from mcp_gateway.door.document import parse
from mcp_gateway.protocol import (
    LEGACY,
    LOG_LEVEL,
    META_CAPABILITIES,
    META_VERSION,
    MODERN,
    SUPPORTED,
    decode_header,
    level_of,
)
from mcp_gateway.refusals import (
    INVALID_PARAMS,
    Refusal,
    header_mismatch,
    malformed,
    unsupported_version,
)

MAX_NAME = 512

CANCELLED = "notifications/cancelled"

# which parameter `Mcp-Name` mirrors
NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
}
# and of methods that older clients do not have
NAMED_MODERN = {
    **NAMED,
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}

_slices = msgspec.json.Decoder(dict[str, Raw])


@dataclass(frozen=True, slots=True)
class Notification:
    """A message without an id: accepted, answered 202 with no body."""

    method: str
    # the id of the call that an older client takes back
    cancels: bytes | None = None


def read(
    body: bytes, headers: Mapping[str, str], *, endpoint: str, call_id: str
) -> Call | Notification:
    """Read one JSON-RPC message.

    Raises:
        Refusal: malformed, contradicting its headers, or of a version not served.

    """
    document = parse(body)
    if isinstance(document, list):
        raise malformed("Batches are not served; send one message per request.")
    if not isinstance(document, dict) or document.get("jsonrpc") != "2.0":
        raise malformed("Expected one JSON-RPC 2.0 message.")
    method = document.get("method")
    if not isinstance(method, str) or not 0 < len(method) <= MAX_NAME:
        raise malformed("Expected a method; responses are not accepted here.")
    params = document.get("params", {})
    if not isinstance(params, dict):
        raise malformed("params must be an object.", rpc=INVALID_PARAMS)
    meta = params.get("_meta", {})
    if not isinstance(meta, dict):
        raise malformed("params._meta must be an object.", rpc=INVALID_PARAMS)
    if "id" not in document:
        _agree_at_all(method, headers)
        return Notification(method, _cancels(method, body, headers))
    request_id = document["id"]
    if isinstance(request_id, bool) or not isinstance(request_id, str | int):
        raise malformed("id must be a string or an integer.")

    raw = _slices.decode(body)
    try:
        era, version = _version(method, params, meta, headers)
        name = _name(method, params, era)
        if era == "modern":
            _agree(method, name, headers)
        arguments = _arguments(params)
    except Refusal as refusal:
        refusal.request_id = raw["id"]
        raise
    raw_params = _slices.decode(raw["params"]) if "params" in raw else {}
    raw_meta = _slices.decode(raw_params["_meta"]) if "_meta" in raw_params else {}
    return Call(
        id=call_id,
        endpoint=endpoint,
        era=era,
        version=version,
        request_id=raw["id"],
        method=method,
        name=name,
        params=raw_params,
        meta=raw_meta,
        arguments=arguments,
        size=len(body),
        param_headers=tuple(
            (key, value) for key, value in headers.items() if key.startswith("mcp-param-")
        ),
        traceparent=_text(meta.get("traceparent")) or headers.get("traceparent"),
    )


def _version(
    method: str, params: Mapping[str, Any], meta: Mapping[str, Any], headers: Mapping[str, str]
) -> tuple[Era, str]:
    header = headers.get("mcp-protocol-version")
    in_body = meta.get(META_VERSION)
    if in_body is None and header != MODERN:
        if method == "initialize":
            asked = params.get("protocolVersion")
            return "legacy", asked if isinstance(asked, str) and asked in LEGACY else LEGACY[0]
        if header is None:
            return "legacy", LEGACY[-1]  # the specification's default for an absent header
        if header not in LEGACY:
            raise unsupported_version(header[:64], SUPPORTED)
        return "legacy", header
    if not isinstance(in_body, str) or not isinstance(meta.get(META_CAPABILITIES), dict):
        raise malformed(
            f"params._meta must carry {META_VERSION} and {META_CAPABILITIES}.", rpc=INVALID_PARAMS
        )
    if header is None:
        raise header_mismatch("MCP-Protocol-Version is missing.")
    if header != in_body:
        raise header_mismatch("MCP-Protocol-Version and params._meta disagree.")
    if in_body != MODERN:
        raise unsupported_version(in_body[:64], SUPPORTED)
    level_of(meta.get(LOG_LEVEL, "info"))
    return "modern", in_body


def _name(method: str, params: Mapping[str, Any], era: Era) -> str | None:
    key = (NAMED_MODERN if era == "modern" else NAMED).get(method)
    if key is None:
        return None
    name = params.get(key)
    if not isinstance(name, str):
        raise malformed(f"params.{key} must be a string.", rpc=INVALID_PARAMS)
    return name


def _agree(method: str, name: str | None, headers: Mapping[str, str]) -> None:
    if headers.get("mcp-method") != method:
        raise header_mismatch("Mcp-Method is missing or differs from the body's method.")
    if name is not None:
        header = headers.get("mcp-name")
        if header is None or decode_header(header) != name:
            raise header_mismatch("Mcp-Name is missing or differs from the body.")


def _agree_at_all(method: str, headers: Mapping[str, str]) -> None:
    """For a message nobody acts on: what its headers do say must be so."""
    version = headers.get("mcp-protocol-version")
    if version is not None and version not in SUPPORTED:
        raise unsupported_version(version[:64], SUPPORTED)
    if headers.get("mcp-method", method) != method:
        raise header_mismatch("Mcp-Method differs from the body's method.")


def _cancels(method: str, body: bytes, headers: Mapping[str, str]) -> bytes | None:
    """A newer client takes a call back by closing its stream, and by nothing else."""
    if method != CANCELLED or headers.get("mcp-protocol-version") == MODERN:
        return None
    params = _slices.decode(body).get("params", Raw(b"{}"))
    request_id = _slices.decode(params).get("requestId")
    return None if request_id is None else bytes(request_id)


def _arguments(params: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = params.get("arguments")
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        raise malformed("params.arguments must be an object.", rpc=INVALID_PARAMS)
    return arguments


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= 256 else None
