"""Lists: tools and prompts from the pinned catalogue, resources from the servers in the person's
name.

A list shows exactly what a call would allow, by the same decision; what is hidden appears in no
form. Resource lists differ per person, so they are asked of the servers; cursors that span
servers are sealed.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from mcp_gateway.call import Answer, Call, Principal, Raw
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.listing.discovery import LIST_TTL_MS, SERVER_INFO, SERVER_INFO_META
from mcp_gateway.refusals import INVALID_PARAMS, malformed
from mcp_gateway.rights.authorize import decided
from mcp_gateway.rights.policy import Family, Policy
from mcp_gateway.seal import BrokenSealError, Seal


def visible(policy: Policy, principal: Principal, server: str, family: Family, name: str) -> bool:
    return decided(principal, policy, server, family, name).allowed


def sees_server(policy: Policy, principal: Principal, server: str) -> bool:
    """Whether the person can use anything of this server."""
    return any(
        rule.server == server and visible(policy, principal, server, rule.family, rule.name)
        for rule in policy.rules.values()
    )


def pinned_list(
    call: Call, principal: Principal, policy: Policy, catalogue: Catalogue
) -> dict[str, Any]:
    """tools/list or prompts/list: one page, in the order of the lock files."""
    if call.params.get("cursor") is not None and bytes(call.params["cursor"]) != b"null":
        raise malformed("Unknown cursor.", rpc=INVALID_PARAMS)

    def shown(server: str, family: Family, name: str) -> bool:
        return visible(policy, principal, server, family, name)

    if call.method == "tools/list":
        page = {"tools": catalogue.tools(call.endpoint, shown)}
    else:
        page = {"prompts": catalogue.prompts(call.endpoint, shown)}
    return complete(call, page)


def complete(call: Call, page: Mapping[str, Any]) -> dict[str, Any]:
    """A list's envelope for the client's era."""
    if call.era == "legacy":
        return dict(page)
    return {
        "resultType": "complete", **page, "ttlMs": LIST_TTL_MS, "cacheScope": "private",
        "_meta": {SERVER_INFO_META: SERVER_INFO},
    }  # fmt: skip


def kept_private(call: Call, answer: Answer) -> Answer:
    """A resource as read by one person: no cache may give it to another."""
    result = answer.result
    if call.method != "resources/read" or result is None or answer.reason == "input_required":
        return answer
    ttl = result.get("ttlMs")
    fresh = ttl if isinstance(ttl, Raw) and bytes(ttl).isdigit() else 0
    return replace(answer, result={**result, "ttlMs": fresh, "cacheScope": "private"})


def resource_servers(
    endpoint: str, principal: Principal, policy: Policy, catalogue: Catalogue
) -> list[str]:
    return [
        pinned.server
        for pinned in catalogue.on(endpoint)
        if pinned.resources
        and any(
            rule.server == pinned.server
            and rule.family == "resource"
            and visible(policy, principal, pinned.server, "resource", rule.name)
            for rule in policy.rules.values()
        )
    ]


class Cursors:
    """Cursors of the aggregate's resource lists: which server, and that server's own cursor.

    Sealed for one person and one list, so that they can be neither read nor changed, nor used by
    another or elsewhere.
    """

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key)

    def seal(self, principal: Principal, method: str, server: str, cursor: str | None) -> str:
        plain = msgspec.json.encode([server, cursor])
        return self._seal.close(plain, _bound(principal, method))

    def following(
        self,
        principal: Principal,
        method: str,
        server: str,
        cursor: str | None,
        after: str | None,
    ) -> str | None:
        """The cursor of the next page: of the same server, else the first of the one after."""
        if cursor is not None:
            return self.seal(principal, method, server, cursor)
        return None if after is None else self.seal(principal, method, after, None)

    def open(self, principal: Principal, method: str, cursor: str) -> tuple[str, str | None]:
        try:
            plain = self._seal.open(cursor, _bound(principal, method))
            server, own = msgspec.json.decode(plain, type=tuple[str, str | None])
        except (BrokenSealError, msgspec.MsgspecError):
            raise malformed("Unknown cursor.", rpc=INVALID_PARAMS) from None
        return server, own


def _bound(principal: Principal, method: str) -> bytes:
    return f"{method} {principal.issuer} {principal.subject}".encode()


def cursor_of(call: Call) -> str | None:
    raw = call.params.get("cursor")
    value = None if raw is None else msgspec.json.decode(raw)
    if value is not None and not isinstance(value, str):
        raise malformed("cursor must be a string.", rpc=INVALID_PARAMS)
    return value


def from_cursor(call: Call, cursor: str | None) -> Call:
    """The same listing, asked from a server's own cursor on; without one, its first page."""
    params = {key: value for key, value in call.params.items() if key != "cursor"}
    if cursor is not None:
        params["cursor"] = Raw(msgspec.json.encode(cursor))
    return replace(call, params=params)


def next_cursor(result: Mapping[str, Any]) -> str | None:
    value = result.get("nextCursor")
    return msgspec.json.decode(value) if isinstance(value, Raw) else None


def is_list(method: str) -> bool:
    return method in {"tools/list", "prompts/list"}
