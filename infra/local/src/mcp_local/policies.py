"""Whether the gateway could use its policies: a running one keeps the last good ones, silently."""

from mcp_gateway.configuration import settings
from mcp_gateway.definitions import catalogue
from mcp_gateway.rights import policy
from mcp_gateway.rights.policy import Policy
from mcp_local.people import carried_roles
from mcp_local.place import Place


def insist_on_policies(here: Place) -> Policy:
    """Read what the gateway reads when it starts.

    Raises:
        ConfigError: file, key and what was expected.

    """
    file = here.root / "gateway" / "gateway.yaml"
    config = settings.load(file)
    listed = settings.servers(config, file)
    found = policy.load(listed, file.parent / "agents.yaml", config.limits.timeout)
    catalogue.load(listed)
    return found


def carried_by_nobody(here: Place, found: Policy) -> dict[str, str]:
    """Roles of the policies that no group, person or service has, and a line that names each."""
    known = carried_roles(here.root)
    if known is None:
        return {}
    known |= {role for one in found.services.values() for role in one.roles}
    return {
        role: f"servers/{rule.server}/policy.yaml: {rule.name}"
        for rule in found.rules.values()
        for role in sorted(rule.roles - known)
    }
