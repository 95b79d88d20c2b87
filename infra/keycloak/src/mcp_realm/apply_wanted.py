"""The realm as it should be, by kind and name: what `derive` says, without people.

Pure: no file and no network.
"""

from collections.abc import Mapping
from typing import Any

from mcp_realm.compare import Kind, Realm
from mcp_realm.compare_facts import APART

# Nobody without a token registers a client: the one rule that decides it trusts no host.
NO_HOSTS: dict[str, Any] = {
    "name": "Trusted Hosts",
    "providerId": "trusted-hosts",
    "subType": "anonymous",
    "config": {
        "host-sending-registration-request-must-match": ["true"],
        "client-uris-must-match": ["true"],
        "trusted-hosts": [],
    },
}


def wanted(derived: Mapping[str, Any]) -> Realm:
    """Of a derived realm file; the people in it are left where they are."""
    name = derived["realm"]
    things: dict[Kind, dict[str, Mapping[str, Any]]] = {
        "settings": {name: {key: value for key, value in derived.items() if key not in APART}},
        "profile": _named(derived["clientProfiles"]["profiles"]),
        "policy": _named(derived["clientPolicies"]["policies"]),
        "registration": {"trusted-hosts": NO_HOSTS},
        "role": _named(derived["roles"]["realm"]),
        "group": _named(derived["groups"]),
        "scope": _named(derived["clientScopes"]),
        "scope roles": {
            mapping["clientScope"]: {"roles": mapping["roles"]}
            for mapping in derived["scopeMappings"]
            if "clientScope" in mapping
        },
        "client": {client["clientId"]: client for client in derived["clients"]},
        "default scopes": {
            "default": {"names": derived["defaultDefaultClientScopes"]},
            "optional": {"names": derived["defaultOptionalClientScopes"]},
        },
    }
    return Realm(name, things)


def importable(derived: Mapping[str, Any]) -> dict[str, Any]:
    """The same as one file, for a Keycloak that has no such realm yet."""
    return {**derived, "users": []}


def _named(things: list[dict[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {thing["name"]: thing for thing in things}
