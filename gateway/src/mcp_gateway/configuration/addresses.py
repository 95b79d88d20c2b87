"""Names and addresses that follow from the configuration. Pure: no clock, no network, no state."""

from urllib.parse import urlsplit

from mcp_gateway.configuration.settings import Config


def internal(issuer: str, internal: str | None) -> str:
    """The issuer as reached from here: only origin differs, so `iss` stays the public one."""
    return issuer if internal is None else internal.rstrip("/") + urlsplit(issuer).path


def hosts(config: Config, port: int) -> frozenset[str]:
    """Host values served; anything else may be a rebound name."""
    own = urlsplit(config.public_url).netloc
    local = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
    return frozenset({own} | local)


def origins(config: Config) -> frozenset[str]:
    return frozenset({config.public_url, *config.allowed_origins})
