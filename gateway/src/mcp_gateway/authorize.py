"""A principal and a call become a `Grant`, or the call's name does not exist for them.

Pure: no clock, no network, no state. The only place that makes a Grant.
"""

from msgspec.structs import replace

from mcp_gateway.call import AGGREGATE, Call, Grant, Principal
from mcp_gateway.catalogue import Catalogue
from mcp_gateway.policy import Family, Policy
from mcp_gateway.refusals import Refusal, unknown_name

FAMILIES: dict[str, Family] = {
    "tools/call": "tool",
    "prompts/get": "prompt",
    "resources/read": "resource",
}


def authorize(principal: Principal, call: Call, policy: Policy, catalogue: Catalogue) -> Grant:
    """Decide one call.

    Raises:
        Refusal: unknown, or not for this person and agent; the two read the same.

    """
    family = FAMILIES[call.method]
    server, target = locate(call, catalogue)
    if server is None or target is None:
        raise unknown_name(family, call.era, "unknown_name")
    decision = policy.decide(
        principal.roles, principal.agent, server, family, target, service=principal.service
    )
    definition = catalogue.definition(server, family, target)
    if definition is None and family != "resource":
        raise unknown_name(family, call.era, "not_in_catalogue")
    if not decision.allowed or decision.rule is None:
        raise unknown_name(family, call.era, decision.reason)
    if catalogue.quarantined(server, family, target):
        raise quarantined(call)
    if catalogue.blocked(server, family, target):
        raise closed(call)
    return Grant(
        principal=principal,
        call=call,
        server=server,
        target=target,
        rule=decision.rule,
        definition=definition,
        policy=policy.version,
    )


def of_task(
    principal: Principal, call: Call, policy: Policy, catalogue: Catalogue, server: str, tool: str
) -> Grant:
    """Decide a request about a task: as a call of its tool would be decided now.

    Raises:
        Refusal: not theirs any more, which reads like a task that never was.

    """
    decision = policy.decide(
        principal.roles, principal.agent, server, "tool", tool, service=principal.service
    )
    known_server = server in catalogue.servers
    definition = catalogue.definition(server, "tool", tool) if known_server else None
    if not decision.allowed or decision.rule is None or decision.rule.task is None:
        raise unknown_name("task", call.era, decision.reason)
    if definition is None:
        raise unknown_name("task", call.era, "not_in_catalogue")
    if catalogue.quarantined(server, "tool", tool):
        raise quarantined(call)
    if catalogue.blocked(server, "tool", tool):
        raise closed(call)
    return Grant(
        principal=principal, call=call, server=server, target=tool, rule=decision.rule,
        definition=definition, policy=policy.version,
    )  # fmt: skip


def locate(call: Call, catalogue: Catalogue) -> tuple[str | None, str | None]:
    """The server and its own name for what is called; exact ASCII matches only."""
    name = call.name
    if name is None:
        return None, None
    if call.method == "resources/read":
        scheme = name.partition("://")[0]
        server = scheme if call.endpoint in (AGGREGATE, scheme) else None
        return (server, name) if server in catalogue.servers else (None, None)
    if call.endpoint != AGGREGATE:
        return call.endpoint, name
    server, underscore, target = name.partition("_")
    if not underscore or server not in catalogue.servers:
        return None, None
    return server, target


def quarantined(call: Call) -> Refusal:
    """The server now describes this otherwise than was reviewed; closed until approved."""
    return Refusal(
        "quarantined",
        "This tool's definition has changed since it was reviewed; it is closed until approved.",
        http=503,
        rpc=-31503,
        tool_text=(
            "Closed: this tool's definition has changed since it was reviewed, so it is not "
            "called. Tell the person that an operator must approve the change; use another tool "
            "meanwhile."
        ),
        reason=f"quarantined:{call.name}",
    )


def closed(call: Call) -> Refusal:
    """An operator has blocked this tool; who may not use it anyhow never gets here."""
    return Refusal(
        "closed",
        "This tool is closed by an operator.",
        http=503,
        rpc=-31503,
        tool_text=(
            "Closed: an operator has closed this tool, so it is not called. Tell the person that "
            "an operator must open it again; use another tool meanwhile."
        ),
        reason=f"blocked:tool:{call.name}",
    )


def known(principal: Principal, policy: Policy) -> Principal:
    """With the roles that count now: a person's are in the token, a service's in the policy."""
    if not principal.service:
        return principal
    return replace(principal, roles=policy.roles_of_service(principal.agent))


def listing(principal: Principal, call: Call, policy: Policy, server: str) -> Grant:
    """The grant under which a server is asked which resources it shows this person.

    Raises:
        Refusal: no line of the policy gives them any resource of this server.

    """
    for rule in policy.rules.values():
        if rule.server == server and rule.family == "resource":
            decision = policy.decide(
                principal.roles, principal.agent, server, "resource", rule.name,
                service=principal.service,
            )  # fmt: skip
            if decision.allowed:
                return Grant(
                    principal=principal,
                    call=call,
                    server=server,
                    target=None,
                    rule=rule,
                    definition=None,
                    policy=policy.version,
                )
    raise unknown_name("resource", call.era, "no_role")
