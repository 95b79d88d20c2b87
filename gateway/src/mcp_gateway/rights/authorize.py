"""A principal and a call become a `Grant`, or the call's name does not exist for them.

Pure: no clock, no network, no state. The only place that makes a Grant.
"""

import msgspec
from msgspec.structs import replace

from mcp_gateway.call import AGGREGATE, Call, Grant, Principal
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.refusals import Refusal, unknown_name
from mcp_gateway.rights.policy import Decision, Family, Policy, Rule

FAMILIES: dict[str, Family] = {
    "tools/call": "tool",
    "prompts/get": "prompt",
    "resources/read": "resource",
}
NOWHERE = Decision(allowed=False, reason="unknown_name")


class Sought(msgspec.Struct, frozen=True):
    """Where a call leads and what the policy says of it; nothing is proven yet."""

    server: str | None
    target: str | None
    decision: Decision
    # version of the policy that decided
    policy: str

    @property
    def line(self) -> Rule | None:
        """The policy's line for what is called, allowed or not; None for what leads nowhere."""
        return self.decision.rule

    @property
    def counted(self) -> Rule | None:
        """The line that sets this person's rate. What is not for them counts as leading nowhere:
        else the moment a limit is reached would tell which names exist.
        """
        return self.decision.rule if self.decision.allowed else None


def decided(
    principal: Principal, policy: Policy, server: str, family: Family, name: str
) -> Decision:
    return policy.decide(
        principal.roles, principal.agent, server, family, name, service=principal.service
    )


def seek(principal: Principal, call: Call, policy: Policy, catalogue: Catalogue) -> Sought:
    """Where the call leads and whether the policy lets them; the only look at the policy."""
    server, target = locate(call, catalogue)
    if server is None or target is None:
        return Sought(server, target, NOWHERE, policy.version)
    decision = decided(principal, policy, server, FAMILIES[call.method], target)
    return Sought(server, target, decision, policy.version)


def authorize(principal: Principal, call: Call, sought: Sought, catalogue: Catalogue) -> Grant:
    """Decide one call by what was found and by what is open now.

    Raises:
        Refusal: unknown, or not for this person and agent; the two read the same.

    """
    family, server, target = FAMILIES[call.method], sought.server, sought.target
    if server is None or target is None:
        raise unknown_name(family, call.era, "unknown_name")
    definition = catalogue.definition(server, family, target)
    if definition is None and family != "resource":
        raise unknown_name(family, call.era, "not_in_catalogue")
    rule = sought.counted
    if rule is None:
        raise unknown_name(family, call.era, sought.decision.reason)
    return _grant(principal, call, server, target, rule, definition, sought.policy, catalogue)


def of_task(principal: Principal, call: Call, sought: Sought, catalogue: Catalogue) -> Grant:
    """Decide a request about a task: as a call of its tool would be decided now.

    Raises:
        Refusal: not theirs any more, which reads like a task that never was.

    """
    server, tool, rule = sought.server, sought.target, sought.counted
    if server is None or tool is None or rule is None or rule.task is None:
        raise unknown_name("task", call.era, sought.decision.reason)
    known_server = server in catalogue.servers
    definition = catalogue.definition(server, "tool", tool) if known_server else None
    if definition is None:
        raise unknown_name("task", call.era, "not_in_catalogue")
    return _grant(principal, call, server, tool, rule, definition, sought.policy, catalogue)


def _grant(
    principal: Principal, call: Call, server: str, target: str, rule: Rule,
    definition: str | None, policy: str, catalogue: Catalogue,
) -> Grant:  # fmt: skip
    """For what is not closed at the moment."""
    if catalogue.quarantined(server, rule.family, target):
        raise quarantined(call)
    if catalogue.blocked(server, rule.family, target):
        raise closed(call)
    return Grant(
        principal=principal, call=call, server=server, target=target, rule=rule,
        definition=definition, policy=policy,
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
        if rule.server != server or rule.family != "resource":
            continue
        if decided(principal, policy, server, "resource", rule.name).allowed:
            return Grant(
                principal=principal, call=call, server=server, target=None, rule=rule,
                definition=None, policy=policy.version,
            )  # fmt: skip
    raise unknown_name("resource", call.era, "no_role")
