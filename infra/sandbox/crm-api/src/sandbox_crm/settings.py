"""The sandbox's settings, from the environment."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Limits default to what HubSpot documents for a private app; a test sets its own."""

    model_config = SettingsConfigDict(env_prefix="CRM_SANDBOX_", hide_input_in_errors=True)

    database_url: str
    token: SecretStr = Field(min_length=8)
    # how long a change stays invisible to search; one vendor of connectors waits 10 s
    search_lag_seconds: float = Field(default=0.0, ge=0, le=3600)
    ten_secondly: int = Field(default=190, ge=1)
    search_per_second: int = Field(default=5, ge=1)
    daily: int = Field(default=650_000, ge=1)
    # third parties see the header, the vendor does not promise it: a client must do without
    retry_after: bool = True


class Listen(BaseSettings):
    """Where to listen: MCP_PORT as every room gets it, or PORT."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    mcp_port: int | None = None


def driver_url(url: str) -> str:
    """A libpq URL as SQLAlchemy wants it, with the asyncpg driver named."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgresql", "postgres"}:
        raise ValueError("a database URL starts with postgresql://")
    return f"postgresql+asyncpg://{rest}"
