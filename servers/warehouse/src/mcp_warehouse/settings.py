"""Where the warehouse is and how much of it one call may take, from the environment."""

import secrets
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mcp_shared.settings import SecretUrl


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="WAREHOUSE_", hide_input_in_errors=True)

    # the login of wh_ro, never of an owner or administrator; or duckdb:///folder
    database_url: SecretUrl
    connections: int = Field(default=8, ge=1, le=40)
    # the wait for a free connection; then the answer is "busy"
    acquire_seconds: float = Field(default=2, gt=0, le=10)
    # the database's own limit, and the deadline of the server if that was switched off
    statement_seconds: float = Field(default=4, gt=0, le=30)
    deadline_seconds: float = Field(default=5, gt=0, le=40)
    # in the unit of EXPLAIN; the two largest tables joined at scale 0.1 cost about 60,000
    most_cost: float = Field(default=2_000_000, gt=0)
    # by EXPLAIN, too: what string_agg may be given to join
    most_gathered_bytes: float = Field(default=100_000_000, gt=0)
    most_bytes: int = Field(default=200_000, ge=1_000, le=5_000_000)
    most_row_characters: int = Field(default=20_000, ge=100, le=500_000)
    # of one question, where DuckDB is the engine
    memory_mb: int = Field(default=256, ge=64, le=16_384)

    @property
    def cursor_secret(self) -> str:
        """The password every replica has; one without gets cursors that only it can open."""
        return urlsplit(self.database_url).password or secrets.token_urlsafe()
