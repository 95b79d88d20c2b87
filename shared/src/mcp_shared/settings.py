"""What every server needs to know of the world, from the environment."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class ServerSettings(BaseSettings):
    """URLs are compared as exact strings, so they stay strings here (RFC 8414 section 3.3)."""

    model_config = SettingsConfigDict(env_prefix="MCP_")

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    # this server's own canonical URL: the only audience it accepts (RFC 8707)
    resource: str
    issuer: str
    # where the issuer's keys are fetched; may be an internal address, unlike the issuer
    jwks_url: str
    # the clients that may call: the gateway's endpoints, as `azp`
    callers: Annotated[frozenset[str], NoDecode]
    max_body_bytes: int = 1_048_576

    @field_validator("callers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value
