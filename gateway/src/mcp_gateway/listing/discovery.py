"""What the gateway says of itself: resource metadata (RFC 9728), server/discover, initialize.

Everything comes from configuration, nothing from the request: a forged Host changes no byte.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from mcp_gateway.call import AGGREGATE, Call
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.protocol import SUPPORTED
from mcp_shared.tasks.wire import IDENTIFIER as TASKS

SERVER_INFO = {"name": "mcp-gateway", "title": "MCP gateway", "version": "0.1.0"}
SERVER_INFO_META = "io.modelcontextprotocol/serverInfo"
LIST_TTL_MS = 60_000

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def path_of(endpoint: str) -> str:
    return "/mcp" if endpoint == AGGREGATE else f"/servers/{endpoint}/mcp"


def scope_of(endpoint: str) -> str:
    return "aud:mcp" if endpoint == AGGREGATE else f"aud:{endpoint}"


def metadata_url(public_url: str, endpoint: str) -> str:
    """RFC 9728 section 3.1: the well-known part goes between host and path."""
    parts = urlsplit(public_url + path_of(endpoint))
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path}"


def resource_metadata(public_url: str, issuer: str, endpoint: str, title: str) -> dict[str, Any]:
    return {
        "resource": public_url + path_of(endpoint),
        "authorization_servers": [issuer],
        "scopes_supported": [scope_of(endpoint)],
        "bearer_methods_supported": ["header"],
        "resource_name": title,
    }


def instructions(catalogue: Catalogue, endpoint: str, visible: Callable[[str], bool]) -> str:
    """The servers' own words, for those the person can use anything of."""
    parts = [
        f"{pinned.title}: {pinned.instructions}" if endpoint == AGGREGATE else pinned.instructions
        for pinned in catalogue.on(endpoint)
        if pinned.instructions and visible(pinned.server)
    ]
    return "\n\n".join(parts)


def capabilities(catalogue: Catalogue, call: Call) -> dict[str, Any]:
    """What this endpoint serves. An older client has no stream on which to hear of changes."""
    servers = list(catalogue.on(call.endpoint))
    told = {"listChanged": True} if call.era == "modern" else {}
    offered: dict[str, Any] = {"tools": told, "logging": {}}
    if any(pinned.prompts for pinned in servers):
        offered["prompts"] = told
    if any(pinned.resources for pinned in servers):
        offered["resources"] = {}
    if any(pinned.completions for pinned in servers):
        offered["completions"] = {}
    if call.era == "modern" and any(pinned.tasks for pinned in servers):
        offered["extensions"] = {TASKS: {}}
    return offered


def discover(catalogue: Catalogue, call: Call, text: str) -> dict[str, Any]:
    return {
        "resultType": "complete",
        "supportedVersions": SUPPORTED,
        "capabilities": capabilities(catalogue, call),
        "instructions": text,
        "ttlMs": LIST_TTL_MS,
        "cacheScope": "private",
        "_meta": {SERVER_INFO_META: SERVER_INFO},
    }


def initialize(catalogue: Catalogue, call: Call, text: str) -> dict[str, Any]:
    """The older handshake, answered without a session: any replica serves the next request."""
    return {
        "protocolVersion": call.version,
        "capabilities": capabilities(catalogue, call),
        "serverInfo": SERVER_INFO,
        "instructions": text,
    }
