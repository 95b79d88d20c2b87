"""A server's entry in an MCP registry: GET /v0.1/servers?search=NAME, reduced to what is scored.

Built from the documented shape of the answer and tested on one made by hand; no public registry
was reachable where this was written.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.record import Source

PATH = "/v0.1/servers"
META = "io.modelcontextprotocol.registry/official"
SECONDS = 30.0


def collect(registry: str, name: str) -> Source:
    """The newest entry of that name.

    Raises:
        NotHadError: the registry cannot be asked, or does not list it.

    """
    told = f"MCP registry {urlsplit(registry).hostname}, {PATH}?search={name}"
    try:
        reply = httpx2.get(
            registry.rstrip("/") + PATH, params={"search": name, "version": "latest"},
            timeout=SECONDS, follow_redirects=False,
        )  # fmt: skip
        document = reply.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise NotHadError(f"the MCP registry cannot be asked: {type(error).__name__}") from error
    if reply.status_code != 200:
        raise NotHadError(f"the MCP registry answered {reply.status_code}")
    return Source(reduced(document, name), told, datetime.now(UTC))


def reduced(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The entry with exactly this name that is the latest; a search finds others too.

    Raises:
        NotHadError: there is none.

    """
    try:
        rows = [one for one in document["servers"] if one["server"]["name"] == name]
        latest = [one for one in rows if one["_meta"][META].get("isLatest", True)]
    except (KeyError, TypeError) as error:
        raise NotHadError("the MCP registry's answer has another shape than documented") from error
    if not latest:
        raise NotHadError(f"the MCP registry lists no {name}")
    server, meta = latest[-1]["server"], latest[-1]["_meta"][META]
    return {
        "name": server["name"],
        "version": server.get("version"),
        "status": str(meta.get("status", "active")),
        "published": meta.get("publishedAt"),
        "repository": str((server.get("repository") or {}).get("url") or ""),
        "packages": [str(one["identifier"]) for one in server.get("packages") or ()],
        "remotes": [str(one.get("url", "")) for one in server.get("remotes") or ()],
    }
