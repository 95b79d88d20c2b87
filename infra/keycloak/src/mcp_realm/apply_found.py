"""A running realm as it is, in the form in which the wanted one is written. Reads only."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakGetError

from mcp_realm.compare import Kind, Realm

MOST = 10_000  # roles, groups: more than any company has
ANONYMOUS = "anonymous"  # of the two sets of rules on registration, the one for everybody
REGISTRATION = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy"
TRUSTED_HOSTS = "trusted-hosts"

Things = dict[str, Mapping[str, Any]]


def read(admin: KeycloakAdmin, name: str, scopes_with_roles: set[str]) -> Realm:
    """Everything that is compared; people are not read.

    Raises:
        KeycloakError: refused, or away.

    """
    try:
        settings = admin.get_realm(name)
    except KeycloakGetError as error:
        if error.response_code == 404:
            return Realm(name, {}, exists=False)
        raise
    scopes = {scope["name"]: scope for scope in admin.get_client_scopes()}
    behind: Things = {
        scope: {
            "id": scopes[scope]["id"],
            "roles": [
                role["name"] for role in asked(admin, roles_behind(name, scopes[scope]["id"]))
            ],
        }
        for scope in sorted(scopes_with_roles & scopes.keys())
    }
    things: dict[Kind, Things] = {
        "settings": {name: settings},
        "profile": _named(policies(admin, name, "profiles")),
        "policy": _named(policies(admin, name, "policies")),
        "registration": _trusted_hosts(admin),
        "role": _named(
            asked(admin, f"{_realm(name)}/roles", briefRepresentation="false", max=MOST)
        ),
        "group": _named(
            asked(admin, f"{_realm(name)}/groups", briefRepresentation="false", max=MOST)
        ),
        "scope": scopes,
        "scope roles": behind,
        "client": {client["clientId"]: client for client in admin.get_clients()},
        "default scopes": {
            "default": {"names": [s["name"] for s in admin.get_default_default_client_scopes()]},
            "optional": {"names": [s["name"] for s in admin.get_default_optional_client_scopes()]},
        },
    }
    return Realm(name, things)


def policies(admin: KeycloakAdmin, realm: str, what: str) -> list[dict[str, Any]]:
    """Client profiles or policies of this realm; python-keycloak has no method for them."""
    found = asked(admin, f"{_realm(realm)}/client-policies/{what}")
    listed: list[dict[str, Any]] = found.get(what) or []
    return listed


def asked(admin: KeycloakAdmin, path: str, **query: Any) -> Any:
    answer = admin.connection.raw_get(path, **query)
    if answer.status_code != 200:
        raise KeycloakGetError(f"{path}: {answer.status_code}", answer.status_code, answer.content)
    return answer.json()


def roles_behind(realm: str, scope: str) -> str:
    """Where a client scope's roles are; python-keycloak's methods of that name mean a client's."""
    return f"{_realm(realm)}/client-scopes/{quote(scope, safe='')}/scope-mappings/realm"


def _realm(name: str) -> str:
    return f"admin/realms/{quote(name, safe='')}"


def _named(things: list[dict[str, Any]]) -> Things:
    return {thing["name"]: thing for thing in things}


def _trusted_hosts(admin: KeycloakAdmin) -> Things:
    return {
        str(one["providerId"]): one
        for one in admin.get_components({"type": REGISTRATION})
        if one.get("providerId") == TRUSTED_HOSTS and one.get("subType") == ANONYMOUS
    }
