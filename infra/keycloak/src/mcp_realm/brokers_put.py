"""Brokers at a running Keycloak: what `brokers.wanted` says is made so, and nothing is left over.

Safe to run again. A flow of ours that differs is refused rather than changed under people who are
signing in: remove it at Keycloak, or give it another name here.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from keycloak import KeycloakAdmin

Representation = dict[str, Any]
Wanted = Mapping[str, list[Representation]]


class FlowDiffersError(RuntimeError):
    """Somebody changed one of our flows by hand."""


def put(admin: KeycloakAdmin, wanted: Wanted) -> None:
    """Brokers that the file no longer names are removed; sign-in with them ends at once."""
    for role in wanted["roles"]:
        admin.create_realm_role(role, skip_exists=True)
    for action in wanted["requiredActions"]:
        admin.update_required_action(action["alias"], action)
    _put_flows(admin, wanted)
    known = {one["alias"]: one for one in admin.get_idps()}
    for provider in wanted["identityProviders"]:
        alias = provider["alias"]
        if alias in known:
            admin.update_idp(alias, {"internalId": known[alias]["internalId"], **provider})
        else:
            admin.create_idp(provider)
        mine = [m for m in wanted["identityProviderMappers"] if m["identityProviderAlias"] == alias]
        _put_mappers(admin, alias, mine)
    for alias in known.keys() - {one["alias"] for one in wanted["identityProviders"]}:
        admin.delete_idp(alias)


def _put_mappers(admin: KeycloakAdmin, alias: str, wanted: list[Representation]) -> None:
    known = {one["name"]: one for one in admin.get_idp_mappers(alias)}
    for mapper in wanted:
        if mapper["name"] in known:
            identity = known[mapper["name"]]["id"]
            admin.update_mapper_in_idp(alias, identity, {"id": identity, **mapper})
        else:
            admin.add_mapper_to_idp(alias, mapper)
    for name in known.keys() - {mapper["name"] for mapper in wanted}:
        at = f"identity-provider/instances/{alias}/mappers/{known[name]['id']}"
        admin.connection.raw_delete(_admin(admin, at)).raise_for_status()


def _put_flows(admin: KeycloakAdmin, wanted: Wanted) -> None:
    configs = {one["alias"]: one["config"] for one in wanted["authenticatorConfig"]}
    children = {
        step["flowAlias"]
        for flow in wanted["authenticationFlows"]
        for step in flow["authenticationExecutions"]
        if step["authenticatorFlow"]
    }
    flows = {one["alias"]: one for one in wanted["authenticationFlows"]}
    known = {one["alias"] for one in admin.get_authentication_flows()}
    for alias, flow in flows.items():
        if alias in children:
            continue
        if alias not in known:
            admin.create_authentication_flow({**flow, "authenticationExecutions": []})
            _add_steps(admin, flow, flows, configs)
        _insist(admin, alias, list(_expected(flow, flows, 0)))


def _add_steps(
    admin: KeycloakAdmin,
    flow: Representation,
    flows: Mapping[str, Representation],
    configs: Mapping[str, Representation],
) -> None:
    for step in flow["authenticationExecutions"]:
        alias = flow["alias"]
        if step["authenticatorFlow"]:
            child = flows[step["flowAlias"]]
            made = {
                "alias": child["alias"], "description": child["description"],
                "provider": "registration-page-form", "type": child["providerId"],
            }  # fmt: skip
            admin.create_authentication_flow_subflow(made, alias)
        else:
            admin.create_authentication_flow_execution({"provider": step["authenticator"]}, alias)
        # the newest is the last of its level
        found = [e for e in _executions(admin, alias) if e["level"] == 0][-1]
        if step["requirement"] != found["requirement"]:
            changed = {**found, "requirement": step["requirement"]}
            admin.update_authentication_flow_executions(changed, alias)
        if config := step.get("authenticatorConfig"):
            said = {"alias": config, "config": configs[config]}
            admin.create_execution_config(found["id"], said)
        if step["authenticatorFlow"]:
            _add_steps(admin, flows[step["flowAlias"]], flows, configs)


def _expected(
    flow: Representation, flows: Mapping[str, Representation], level: int
) -> Iterable[tuple[int, str, str]]:
    for step in flow["authenticationExecutions"]:
        nested = step["authenticatorFlow"]
        yield level, step["flowAlias" if nested else "authenticator"], step["requirement"]
        if nested:
            yield from _expected(flows[step["flowAlias"]], flows, level + 1)


def _insist(admin: KeycloakAdmin, alias: str, wanted: list[tuple[int, str, str]]) -> None:
    there = [
        (e["level"], e.get("providerId") or e["displayName"], e["requirement"])
        for e in _executions(admin, alias)
    ]
    if there != wanted:
        raise FlowDiffersError(f"flow {alias!r} at Keycloak is {there}, not {wanted}")


def _executions(admin: KeycloakAdmin, alias: str) -> list[Representation]:
    found: list[Representation] = admin.get_authentication_flow_executions(alias)
    return found


def _admin(admin: KeycloakAdmin, path: str) -> str:
    return f"admin/realms/{quote(str(admin.connection.realm_name), safe='')}/{path}"
