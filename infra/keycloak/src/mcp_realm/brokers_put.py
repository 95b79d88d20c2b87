"""Brokers at a running Keycloak: what `brokers.wanted` says is made so, and nothing is left over.

Safe to run again. A flow of ours that differs is refused rather than changed under people who are
signing in: remove it at Keycloak, and it is made anew.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from keycloak import KeycloakAdmin

from mcp_realm.brokers_compare import Step, TakenError, Wanted, compare

Representation = dict[str, Any]


def pending(admin: KeycloakAdmin, wanted: Wanted) -> list[str]:
    """What `put` would change, a line each.

    Raises:
        TakenError: a provider or flow of the same name is there that is not ours.

    """
    flows = [f"+ flow {alias}" for alias in _missing(admin, wanted)]
    return [*flows, *map(str, _steps(admin, wanted))]


def put(admin: KeycloakAdmin, wanted: Wanted) -> list[str]:
    """Make it so; a line for each change. The secret is set each time, as it cannot be compared.

    Brokers of ours that the file no longer names are removed: nobody signs in by them any more.

    Raises:
        TakenError: a provider or flow of the same name is there that is not ours.

    """
    lines = pending(admin, wanted)
    for role in wanted["roles"]:
        admin.create_realm_role(role, skip_exists=True)
    for action in wanted["requiredActions"]:
        admin.update_required_action(action["alias"], action)
    _put_flows(admin, wanted)
    steps = _steps(admin, wanted)
    changed = {step.alias for step in steps if step.kind == "broker"}
    for step in steps:
        _take(admin, step)
    for provider in wanted["identityProviders"]:
        if provider["alias"] not in changed:
            there = admin.get_idp(provider["alias"])
            admin.update_idp(provider["alias"], {"internalId": there["internalId"], **provider})
    return lines


def _steps(admin: KeycloakAdmin, wanted: Wanted) -> list[Step]:
    providers = admin.get_idps()
    aliases = [one["alias"] for one in providers]
    return compare(wanted, providers, {one: admin.get_idp_mappers(one) for one in aliases})


def _take(admin: KeycloakAdmin, step: Step) -> None:
    if step.kind == "broker":
        if step.sign == "+":
            admin.create_idp(step.thing)
        elif step.sign == "~":
            admin.update_idp(step.alias, step.thing)
        else:
            admin.delete_idp(step.alias)
    elif step.sign == "+":
        admin.add_mapper_to_idp(step.alias, step.thing)
    elif step.sign == "~":
        admin.update_mapper_in_idp(step.alias, step.identity, step.thing)
    else:
        realm = quote(str(admin.connection.realm_name), safe="")
        at = f"identity-provider/instances/{step.alias}/mappers/{step.identity}"
        admin.connection.raw_delete(f"admin/realms/{realm}/{at}").raise_for_status()


def _missing(admin: KeycloakAdmin, wanted: Wanted) -> list[str]:
    known = {one["alias"] for one in admin.get_authentication_flows()}
    flows = wanted["authenticationFlows"]
    return [one["alias"] for one in flows if one["topLevel"] and one["alias"] not in known]


def _put_flows(admin: KeycloakAdmin, wanted: Wanted) -> None:
    configs = {one["alias"]: one["config"] for one in wanted["authenticatorConfig"]}
    flows = {one["alias"]: one for one in wanted["authenticationFlows"]}
    missing = _missing(admin, wanted)
    for alias, flow in flows.items():
        if flow["topLevel"]:
            if alias in missing:
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
        raise TakenError(
            f"The flow {alias!r} at Keycloak was changed by hand: it is {there}, not {wanted}. "
            "Take it out of use and remove it there; it is made anew."
        )


def _executions(admin: KeycloakAdmin, alias: str) -> list[Representation]:
    found: list[Representation] = admin.get_authentication_flow_executions(alias)
    return found
