"""Changes carried out at a running Keycloak, in the order in which one needs the other.

Each step can be made again: what a broken run left half done is found and finished by the next.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakPutError, raise_error_from_response

from mcp_realm import apply_mappers, apply_policies
from mcp_realm.apply_found import REGISTRATION, roles_behind
from mcp_realm.compare import Change, Kind

Report = Callable[[Change], None]


def carry_out(admin: KeycloakAdmin, realm: str, changes: Sequence[Change], report: Report) -> None:
    """In the order given, which is that of `compare.KINDS`.

    Raises:
        KeycloakError: refused or away; what was reported is done.

    """
    apply_policies.put(admin, realm, changes)
    for change in changes:
        if step := STEPS.get(change.kind):
            step(admin, realm, change)
        report(change)


def remove(admin: KeycloakAdmin, leftovers: Sequence[Change], report: Report) -> None:
    """Clients before the scopes that they use, scopes before roles."""
    for change in reversed(leftovers):
        if change.kind == "role":
            admin.delete_realm_role(change.name)
        else:
            REMOVALS[change.kind](admin)(change.found["id"])
        report(change)


def _settings(admin: KeycloakAdmin, realm: str, change: Change) -> None:
    named = {one.field.partition(".")[0] for one in change.fields}
    payload = {key: change.wanted[key] for key in named}
    if "attributes" in payload:  # Keycloak drops those that are not sent again
        payload["attributes"] = change.found.get("attributes", {}) | payload["attributes"]
    admin.update_realm(realm, payload)


def _registration(admin: KeycloakAdmin, realm: str, change: Change) -> None:
    payload = {**change.found, **change.wanted}
    if change.sign == "+":
        parent = admin.get_realm(realm)["id"]
        admin.create_component({**payload, "providerType": REGISTRATION, "parentId": parent})
    else:
        admin.update_component(change.found["id"], payload)


def _role(admin: KeycloakAdmin, _: str, change: Change) -> None:
    if change.sign == "+":
        admin.create_realm_role({**change.wanted}, skip_exists=True)
    # attributes are taken with a change alone, and a half-made one is mended
    admin.update_realm_role(quote(change.name, safe=""), _merged(change))


def _group(admin: KeycloakAdmin, _: str, change: Change) -> None:
    group: dict[str, Any] = {**change.found}
    if change.sign == "+":
        made = {"name": change.name, "attributes": change.wanted["attributes"]}
        group = {"id": admin.create_group(made, skip_exists=True) or _group_id(admin, change.name)}
    if change.touches("attributes"):
        admin.update_group(group["id"], {"name": change.name, **_attributes(change)})
    have, want = set(group.get("realmRoles", [])), set(change.wanted.get("realmRoles", []))
    if gained := sorted(want - have):
        admin.assign_group_realm_roles(group["id"], [admin.get_realm_role(r) for r in gained])
    if lost := sorted(have - want):
        admin.delete_group_realm_roles(group["id"], [admin.get_realm_role(r) for r in lost])


def _group_id(admin: KeycloakAdmin, name: str) -> str:
    return str(admin.get_group_by_path(f"/{name}")["id"])


def _scope(admin: KeycloakAdmin, _: str, change: Change) -> None:
    if change.sign == "+":
        admin.create_client_scope({**change.wanted}, skip_exists=True)
        return
    admin.update_client_scope(change.found["id"], _merged(change))
    apply_mappers.put(
        change,
        add=lambda mapper: admin.add_mapper_to_client_scope(change.found["id"], mapper),
        update=lambda key, mapper: admin.update_mapper_in_client_scope(
            change.found["id"], key, mapper
        ),
    )


def _scope_roles(admin: KeycloakAdmin, realm: str, change: Change) -> None:
    ids = {scope["name"]: scope["id"] for scope in admin.get_client_scopes()}
    scope = change.found.get("id") or ids[change.name]
    have, want = set(change.found.get("roles", [])), set(change.wanted["roles"])
    path = roles_behind(realm, scope)
    for names, send in ((want - have, admin.connection.raw_post), (have - want, _delete(admin))):
        if not names:
            continue
        roles = [admin.get_realm_role(name) for name in sorted(names)]
        raise_error_from_response(send(path, data=json.dumps(roles)), KeycloakPutError, [204])


def _delete(admin: KeycloakAdmin) -> Callable[..., Any]:
    return admin.connection.raw_delete


def _client(admin: KeycloakAdmin, _: str, change: Change) -> None:
    if change.sign == "+":
        admin.create_client({**change.wanted}, skip_exists=True)
        return
    key = change.found["id"]
    if any(not one.field.startswith(("mapper ", *LINKS)) for one in change.fields):
        admin.update_client(key, _merged(change))
    apply_mappers.put(
        change,
        add=lambda mapper: admin.add_mapper_to_client(key, mapper),
        update=lambda at, mapper: admin.update_client_mapper(key, at, mapper),
    )
    _links(admin, change)


LINKS = ("defaultClientScopes", "optionalClientScopes")


def _links(admin: KeycloakAdmin, change: Change) -> None:
    """Take away before giving: a scope is either a default one or an optional one."""
    key = change.found["id"]
    ids = {scope["name"]: scope["id"] for scope in admin.get_client_scopes()}
    moves: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
        LINKS[0]: (
            admin.delete_client_default_client_scope,
            admin.add_client_default_client_scope,
        ),
        LINKS[1]: (
            admin.delete_client_optional_client_scope,
            admin.add_client_optional_client_scope,
        ),
    }
    for kind, (take, _) in moves.items():
        for name in sorted(set(change.found.get(kind, [])) - set(change.wanted.get(kind, []))):
            if name in ids:
                take(key, ids[name])
    for kind, (_, give) in moves.items():
        for name in sorted(set(change.wanted.get(kind, [])) - set(change.found.get(kind, []))):
            give(key, ids[name], {})


def _default_scopes(admin: KeycloakAdmin, _: str, change: Change) -> None:
    ids = {scope["name"]: scope["id"] for scope in admin.get_client_scopes()}
    have, want = set(change.found.get("names", [])), set(change.wanted["names"])
    give, take = (
        (admin.add_default_optional_client_scope, admin.delete_default_optional_client_scope)
        if change.name == "optional"
        else (admin.add_default_default_client_scope, admin.delete_default_default_client_scope)
    )
    for name in sorted(have - want):
        take(ids[name])
    for name in sorted(want - have):
        give(ids[name])


def _merged(change: Change) -> dict[str, Any]:
    """What is there, with what is wanted over it; mappers and links have ways of their own."""
    left_out = {"protocolMappers", "access", *LINKS}
    both = {**change.found, **change.wanted}
    return {k: v for k, v in both.items() if k not in left_out} | _attributes(change)


def _attributes(change: Change) -> dict[str, Any]:
    found, want = change.found.get("attributes") or {}, change.wanted.get("attributes") or {}
    # shut by default: named by a difference and by no file
    shut = {
        one.field.removeprefix("attributes."): one.after
        for one in change.fields
        if one.field.startswith("attributes.") and isinstance(one.after, str)
    }
    return {"attributes": {**found, **shut, **want}}


STEPS: Mapping[Kind, Callable[[KeycloakAdmin, str, Change], None]] = {
    "settings": _settings,
    "registration": _registration,
    "role": _role,
    "group": _group,
    "scope": _scope,
    "scope roles": _scope_roles,
    "client": _client,
    "default scopes": _default_scopes,
}
REMOVALS: Mapping[Kind, Callable[[KeycloakAdmin], Callable[[str], object]]] = {
    "client": lambda admin: admin.delete_client,
    "scope": lambda admin: admin.delete_client_scope,
    "group": lambda admin: admin.delete_group,
}
