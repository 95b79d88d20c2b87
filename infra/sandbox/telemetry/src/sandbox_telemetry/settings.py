"""Where the telemetry stand-in listens, and the places it refuses to serve."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(ValueError):
    """An environment variable that does not say what it must; the message names it."""


@dataclass(frozen=True)
class Settings:
    host: str = "127.0.0.1"
    port: int = 4318


def read(environ: Mapping[str, str]) -> Settings:
    """From TELEMETRY_HOST, TELEMETRY_PORT and TELEMETRY_PROFILE."""
    if environ.get("TELEMETRY_PROFILE", "").lower().startswith("prod"):
        raise SettingsError("TELEMETRY_PROFILE: this stand-in does not start in production")
    host = environ.get("TELEMETRY_HOST") or Settings.host
    if not _is_loopback(host):
        # whoever reaches it reads who called what
        raise SettingsError(f"TELEMETRY_HOST: loopback only, not {host!r}; run a collector")
    port = environ.get("TELEMETRY_PORT") or str(Settings.port)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"TELEMETRY_PORT: a port number, not {port!r}")
    return Settings(host, int(port))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
