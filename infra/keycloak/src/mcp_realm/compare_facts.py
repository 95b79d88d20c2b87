"""A realm as flat facts, `redirectUris` or `attributes.mcp.host`, so that two can be compared.

Pure: from Keycloak's export format, be it what a realm should be or what one is.
Lists whose order means nothing to Keycloak become sorted tuples.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Fact = str | tuple[str, ...]
Facts = dict[str, Fact]
Thing = Mapping[str, Any]

# parts of an exported realm that are things of their own, or people
APART = frozenset(
    {
        "authenticationFlows", "authenticatorConfig", "clientPolicies", "clientProfiles",
        "clientScopes", "clients", "components", "defaultDefaultClientScopes",
        "defaultOptionalClientScopes", "groups", "id", "identityProviderMappers",
        "identityProviders", "organizations", "realm", "roles", "scopeMappings", "users",
    }
)  # fmt: skip
# What opens a door and is shut where nobody speaks of it: compared although no file names it.
SHUT_CLIENT: Facts = {
    "attributes.standard.token.exchange.enabled": "false",
    "attributes.oauth2.device.authorization.grant.enabled": "false",
    "attributes.oidc.ciba.grant.enabled": "false",
    "attributes.client_credentials.use_refresh_token": "false",
    "attributes.oauth2.jwt.authorization.grant.enabled": "false",
    "authorizationServicesEnabled": "false",
}


def of_settings(realm: Thing) -> Facts:
    return _flat({key: value for key, value in realm.items() if key not in APART})


def of_client(client: Thing) -> Facts:
    left_out = {"id", "protocolMappers", "secret", "registrationAccessToken", "access"}
    plain = {key: value for key, value in client.items() if key not in left_out}
    return SHUT_CLIENT | _flat(plain) | _mappers(client.get("protocolMappers") or [])


def of_scope(scope: Thing) -> Facts:
    plain = {k: v for k, v in scope.items() if k not in ("id", "protocolMappers")}
    return _flat(plain) | _mappers(scope.get("protocolMappers") or [])


def of_role(role: Thing) -> Facts:
    return _flat({key: role.get(key, "") for key in ("description", "attributes")})


def of_group(group: Thing) -> Facts:
    return _flat(
        {"realmRoles": group.get("realmRoles", []), "attributes": group.get("attributes", {})}
    )


def of_roles_behind(roles: Sequence[str]) -> Facts:
    return {"roles": tuple(sorted(roles))}


def of_policy(policy: Thing) -> Facts:
    """Profiles and policies: what they do is a list of steps, each with a form of its own."""
    facts: Facts = {
        key: _text(policy[key]) for key in ("description", "enabled") if policy.get(key) is not None
    }
    if "profiles" in policy:
        facts["profiles"] = tuple(sorted(policy["profiles"]))
    for steps, name in (("executors", "executor"), ("conditions", "condition")):
        for step in policy.get(steps) or []:
            facts[f"{steps}.{step[name]}"] = _text(step.get("configuration") or {})
    return facts


def of_component(component: Thing) -> Facts:
    return _flat({"config": component.get("config", {})})


def _mappers(mappers: Sequence[Thing]) -> Facts:
    facts: Facts = {}
    for mapper in mappers:
        plain = {k: v for k, v in mapper.items() if k not in ("id", "name")}
        named = _flat(plain)
        facts |= {f"mapper {mapper['name']}.{key}": value for key, value in named.items()}
    return facts


def _flat(value: Thing) -> Facts:
    return dict(_leaves(value, ""))


def _leaves(value: Thing, before: str) -> Iterator[tuple[str, Fact]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{before}{key}.")
        elif isinstance(inner, list | tuple):
            yield f"{before}{key}", tuple(sorted(_text(item) for item in inner))
        elif inner is not None:
            yield f"{before}{key}", _text(inner)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
