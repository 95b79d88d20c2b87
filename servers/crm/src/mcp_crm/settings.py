"""Where the CRM is and how long it may take, from the environment."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mcp_shared.settings import SecretUrl, SecretWord, stays_inside


class Settings(BaseSettings):
    """Another URL and another token reach another CRM of the same API; nothing else changes."""

    model_config = SettingsConfigDict(env_prefix="CRM_", hide_input_in_errors=True)

    base_url: str
    token: SecretWord = Field(min_length=8)
    api_version: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$")] = "2026-09"
    # this server's own outbox, never the CRM's database
    database_url: SecretUrl
    # for one tool call with everything it asks the CRM; below the gateway's own limit of 10 s
    deadline_seconds: float = Field(default=8.0, gt=0, le=60)

    @field_validator("base_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        scheme, separator, rest = value.rstrip("/").partition("://")
        if not separator or not rest or any(mark in rest for mark in "@/?#\\ "):
            raise ValueError("an origin is needed, such as https://api.example.com")
        if scheme != "https" and not (scheme == "http" and stays_inside(value)):
            raise ValueError("the token would travel in clear: https is needed")
        return f"{scheme}://{rest}"


class MigrationSettings(BaseSettings):
    """Of `python -m mcp_crm.migrate`, which needs neither the CRM nor its token."""

    model_config = SettingsConfigDict(env_prefix="CRM_", hide_input_in_errors=True)

    admin_database_url: SecretUrl
    database_url: SecretUrl
