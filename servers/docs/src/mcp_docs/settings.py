"""What this server needs to know of the world, from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mcp_shared.settings import SecretUrl


class Settings(BaseSettings):
    """`DOCS_DATABASE_URL` is the login `docs_ro`; it can read, within its reader's groups."""

    model_config = SettingsConfigDict(env_prefix="DOCS_", hide_input_in_errors=True)

    database_url: SecretUrl
    connections: int = Field(default=8, ge=1, le=100)
    # for one question, the wait for a connection included; below the gateway's own limit of 10 s
    deadline_seconds: float = Field(default=6.0, gt=0, le=60)


class LoaderSettings(BaseSettings):
    """`DOCS_ADMIN_URL` may create roles and schemas; `DOCS_RO_PASSWORD` becomes docs_ro's."""

    model_config = SettingsConfigDict(env_prefix="DOCS_", hide_input_in_errors=True)

    admin_url: SecretUrl
    ro_password: str | None = None
