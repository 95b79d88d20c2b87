"""Completing an argument: allowed to whoever may use what the argument is of.

Pure: no clock, no network, no state.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from mcp_gateway.call import Call, Grant, Raw
from mcp_gateway.refusals import INVALID_PARAMS, malformed
from mcp_gateway.rights.policy import Rule

METHOD = "completion/complete"
NOTHING: Mapping[str, Any] = {"completion": {"values": [], "total": 0, "hasMore": False}}
# what is referred to, and the call that would use it
_USES = {"ref/prompt": ("name", "prompts/get"), "ref/resource": ("uri", "resources/read")}


def about(call: Call) -> Call:
    """The call that would use what is referred to: to get a prompt, or to read a resource.

    Raises:
        Refusal: it refers to neither.

    """
    ref = _reference(call)
    kind = ref.get("type")
    key, method = _USES.get(kind if isinstance(kind, str) else "", ("", ""))
    name = ref.get(key)
    if not isinstance(name, str):
        raise malformed("params.ref must name a prompt or a resource.", rpc=INVALID_PARAMS)
    return replace(call, method=method, name=name)


def asked_of_server(call: Call, grant: Grant) -> Grant:
    """The grant to ask for completion, with the server's own name for what is referred to."""
    ref = _reference(call)
    if ref["type"] == "ref/prompt":
        ref["name"] = grant.target
    params = {**call.params, "ref": Raw(msgspec.json.encode(ref))}
    return replace(grant, call=replace(call, params=params), target=None)


def counted(rule: Rule) -> Rule:
    """Typing is not using: it has the same rate, counted apart."""
    return dataclasses.replace(rule, name=METHOD)


def _reference(call: Call) -> dict[str, Any]:
    raw = call.params.get("ref", Raw(b"null"))
    found = msgspec.json.decode(raw)
    if not isinstance(found, dict):
        raise malformed("params.ref must be an object.", rpc=INVALID_PARAMS)
    return found
