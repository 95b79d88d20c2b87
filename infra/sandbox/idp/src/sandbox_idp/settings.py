"""Where the development issuer listens, and the places it refuses to serve."""

import ipaddress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Settings(BaseSettings):
    """Environment variables with the prefix IDP_."""

    model_config = SettingsConfigDict(env_prefix="IDP_", frozen=True, hide_input_in_errors=True)

    realm_file: Path
    host: str = "127.0.0.1"
    port: int = Field(default=8081, ge=1, le=65535)
    public_url: str = "http://localhost:8081"
    profile: str = "development"
    state: Path | None = None
    # Keycloak's experimental feature of the same name; off, the parameter `resource` is ignored
    resource_indicators: bool = True

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        if not is_loopback(host):
            raise ValueError("the development issuer listens on loopback only; use Keycloak")
        return host

    @field_validator("public_url")
    @classmethod
    def _local(cls, url: str) -> str:
        parts = urlsplit(url)
        if not is_loopback(parts.hostname or "") or parts.path.strip("/") or parts.query:
            raise ValueError("the development issuer has a loopback origin as its public URL")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _development(self) -> Self:
        if self.profile.lower().startswith("prod"):
            raise ValueError("the development issuer does not start in production; use Keycloak")
        return self

    @property
    def state_folder(self) -> Path:
        return self.state or self.realm_file.parent / ".idp"
