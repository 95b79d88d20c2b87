"""Whether the gateway could use its policies: a running one keeps the last good ones, silently."""

from mcp_gateway.configuration import settings
from mcp_gateway.definitions import catalogue
from mcp_gateway.rights import policy
from mcp_local.place import Place


def insist_on_policies(here: Place) -> None:
    """Read what the gateway reads when it starts.

    Raises:
        ConfigError: file, key and what was expected.

    """
    file = here.root / "gateway" / "gateway.yaml"
    config = settings.load(file)
    listed = settings.servers(config, file)
    policy.load(listed, file.parent / "agents.yaml", config.limits.timeout)
    catalogue.load(listed)
