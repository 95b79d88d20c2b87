"""Where tasks are kept, and how many of one person, from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mcp_shared.settings import SecretUrl


class TaskSettings(BaseSettings):
    """Without a database no call becomes a task."""

    model_config = SettingsConfigDict(env_prefix="MCP_TASKS_", hide_input_in_errors=True)

    database_url: SecretUrl | None = None
    connections: int = Field(default=4, ge=1, le=20)
    # worked on at the same time, by one process
    slots: int = Field(default=16, ge=1, le=200)
    # of one person: under way, and kept in all
    unfinished: int = Field(default=8, ge=1, le=100)
    kept: int = Field(default=100, ge=1, le=10_000)
