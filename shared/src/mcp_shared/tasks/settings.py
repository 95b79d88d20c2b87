"""Where a server keeps its tasks, and how many of one person, from the environment.

The names begin with the server's own: <NAME>_TASKS_DATABASE_URL.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mcp_shared.settings import SecretUrl, read


class TaskSettings(BaseSettings):
    """Without a database no call becomes a task."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    database_url: SecretUrl | None = None
    connections: int = Field(default=4, ge=1, le=20)
    # worked on at the same time, by one process
    slots: int = Field(default=16, ge=1, le=200)
    # of one person: under way, and kept in all
    unfinished: int = Field(default=8, ge=1, le=100)
    kept: int = Field(default=100, ge=1, le=10_000)

    @classmethod
    def of(cls, server: str) -> "TaskSettings":
        return read(cls, prefix(server))


class MigrationSettings(BaseSettings):
    """Of `python -m mcp_shared.tasks.migrate`."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    admin_database_url: SecretUrl
    database_url: SecretUrl


def prefix(server: str) -> str:
    return f"{server.upper().replace('-', '_')}_TASKS_"
