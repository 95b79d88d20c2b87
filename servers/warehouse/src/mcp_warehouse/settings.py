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
    # beside them, and no more than they are: for people's own SQL
    sql_connections: int = Field(default=4, ge=1, le=40)
    # the wait for a free connection; then the answer is "busy"
    acquire_seconds: float = Field(default=2, gt=0, le=10)
    # the database's own limit, and the deadline of the server if that was switched off
    statement_seconds: float = Field(default=4, gt=0, le=30)
    deadline_seconds: float = Field(default=5, gt=0, le=40)
    # in the unit of EXPLAIN; the two largest tables joined at scale 0.1 cost about 60,000
    most_cost: float = Field(default=2_000_000, gt=0)
    # by EXPLAIN, too: what string_agg may be given to join
    most_gathered_bytes: float = Field(default=20_000_000, gt=0)
    most_bytes: int = Field(default=200_000, ge=1_000, le=5_000_000)
    most_row_characters: int = Field(default=20_000, ge=100, le=500_000)
    # of one question, where DuckDB is the engine
    memory_mb: int = Field(default=256, ge=64, le=16_384)
    # where results too large for an answer are kept; none, and there are no such results
    results_url: SecretUrl | None = None
    result_seconds: int = Field(default=3600, ge=60, le=86_400)
    most_results: int = Field(default=20, ge=1, le=1_000)  # of one person; the oldest go
    most_result_rows: int = Field(default=100_000, ge=1_000, le=1_000_000)
    most_result_bytes: int = Field(default=8_000_000, ge=10_000, le=100_000_000)  # of one result
    most_kept_bytes: int = Field(default=1_000_000_000, ge=1_000_000)  # of all together
    # for reading one; below the gateway's limit for run_sql, with time to write it left
    result_deadline_seconds: float = Field(default=9, gt=0, le=60)
    # of a question that may become a task (WAREHOUSE_TASKS_DATABASE_URL); they are few at a time
    task_seconds: float = Field(default=120, gt=0, le=900)
    task_connections: int = Field(default=2, ge=1, le=20)
    most_task_cost: float = Field(default=50_000_000, gt=0)

    @property
    def for_results(self) -> "Settings":
        """Limits of a read whose rows go to a file: more of them, fewer at once."""
        longer = {
            "connections": 2,
            "most_bytes": self.most_result_bytes,
            "statement_seconds": self.result_deadline_seconds,
            "deadline_seconds": self.result_deadline_seconds,
        }
        return self.model_copy(update=longer)

    @property
    def for_tasks(self) -> "Settings":
        """Limits of a question that nobody waits for: longer and dearer ones, fewer at once."""
        longer = {
            "connections": self.task_connections,
            "acquire_seconds": self.task_seconds,
            "most_cost": self.most_task_cost,
            "statement_seconds": self.task_seconds,
            "deadline_seconds": self.task_seconds,
        }
        return self.model_copy(update=longer)

    @property
    def cursor_secret(self) -> str:
        """The password every replica has; one without gets cursors that only it can open."""
        addresses = (self.database_url, self.results_url or "")
        return next(filter(None, map(_password, addresses)), None) or secrets.token_urlsafe()


def _password(url: str) -> str | None:
    return urlsplit(url).password
