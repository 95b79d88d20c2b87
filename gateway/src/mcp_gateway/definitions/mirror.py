"""Arguments that a client repeats in headers (`x-mcp-header`): they must say what the body says.

Pure: no clock, no network, no state. Whoever routes on such a header must be able to trust that
the call is about it; rights never rest on one. Older clients know no such headers, so the server
gets those that belong to their arguments.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from mcp_gateway.call import Call
from mcp_gateway.protocol import decode_header, encode_header
from mcp_gateway.refusals import header_mismatch

PREFIX = "mcp-param-"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DECIMAL = re.compile(r"(-?[0-9]{1,40})(?:\.0+)?")
_KINDS = frozenset({"string", "integer", "boolean"})


@dataclass(frozen=True, slots=True)
class Mirror:
    """One argument, by its path, and the header that repeats it."""

    path: tuple[str, ...]
    header: str
    kind: str


def mirrors(schema: Mapping[str, Any]) -> tuple[Mirror, ...]:
    """The annotated properties; none when one is wrong, for then clients drop the tool."""
    found = list(_annotated(schema, ()))
    headers = [one.header for one in found]
    return () if "" in headers or len(set(headers)) != len(headers) else tuple(found)


def _annotated(schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Mirror]:
    properties = schema.get("properties")
    for name, child in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(child, dict):
            continue
        if "x-mcp-header" in child:
            token, kind = child["x-mcp-header"], child.get("type")
            right = isinstance(token, str) and _TOKEN.fullmatch(token) and kind in _KINDS
            header = PREFIX + token.lower() if right else ""
            yield Mirror((*path, name), header, str(kind))
        yield from _annotated(child, (*path, name))


def agreed(call: Call, mirrored: tuple[Mirror, ...]) -> Call:
    """The call, once its headers say what its arguments say.

    Raises:
        Refusal: a header is missing, contradicts its argument, or repeats one that is not there.

    """
    if not mirrored:
        return call
    said = {one.header: _said(call.arguments, one) for one in mirrored}
    if call.era == "legacy":
        made = [(key, encode_header(value)) for key, value in said.items() if value is not None]
        others = [pair for pair in call.param_headers if pair[0] not in said]
        return replace(call, param_headers=(*others, *made))
    given = dict(call.param_headers)
    for one in mirrored:
        _compare(one, given.get(one.header), said[one.header])
    return call


def _compare(one: Mirror, header: str | None, said: str | None) -> None:
    shown = "Mcp-Param-" + one.header.removeprefix(PREFIX)
    if header is None and said is None:
        return
    if header is None:
        raise header_mismatch(f"{shown} is missing; it repeats an argument of this call.")
    value = decode_header(header)
    if one.kind == "integer" and value is not None:
        # 42 and 42.0 are one number
        match = _DECIMAL.fullmatch(value)
        value = str(int(match[1])) if match else value
    if said is None or value != said:
        raise header_mismatch(f"{shown} differs from the argument it repeats.")


def _said(arguments: Mapping[str, Any], one: Mirror) -> str | None:
    """The argument as a header says it; None where there is none, or none a header can say."""
    node: Any = arguments
    for key in one.path:
        node = node.get(key) if isinstance(node, Mapping) else None
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, float) and node.is_integer():
        return str(int(node))
    return str(node) if isinstance(node, str | int | float) else None
