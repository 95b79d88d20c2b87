"""The warehouse server on a socket of its own, asked with people's tokens, with or without the
gateway in front.
"""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from house.backends import Counted, counted_server
from house.house import META, MODERN, TOKEN_SECONDS, House, house, ledger_database
from house.wire import events
from people import Issuer
from postgres.loaded import Loaded

from mcp_shared.serve import definitions
from mcp_warehouse.server import build

POLICY = """
tools:
  list_tables: { roles: [analyst, sales] }
  describe_table: { roles: [analyst, sales] }
  get_metric: { roles: [analyst, sales] }
  run_sql: { roles: [analyst, sales], rate: 1000/minute, timeout: 40s }
prompts:
  revenue_review: { roles: [analyst] }
"""
# keeps one backend busy for minutes unless somebody ends it
SLOW = "SELECT count(*) FROM order_lines a, order_lines b WHERE a.revenue < b.revenue"
PATIENCE_SECONDS = 20.0
UNBOUNDED = {"most_cost": 1e15, "statement_seconds": 30, "deadline_seconds": 30}


@contextlib.contextmanager
def environment(**settings: object) -> Iterator[None]:
    """The server's settings, for as long as it starts."""
    made = {f"WAREHOUSE_{name.upper()}": str(value) for name, value in settings.items()}
    before = {name: os.environ.get(name) for name in made}
    os.environ.update(made)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass
class Served:
    """The server itself, as the gateway reaches it."""

    issuer: Issuer
    counted: Counted
    database: Loaded

    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    def token(self, person: str) -> str:
        known = self._tokens.get(person)
        if known is None or known[0] < time.monotonic():
            answer = self.issuer.exchange(self.issuer.token(person), "warehouse")
            answer.raise_for_status()
            known = (time.monotonic() + TOKEN_SECONDS, str(answer.json()["access_token"]))
            self._tokens[person] = known
        return known[1]

    def request(self, person: str, sql: str, **more: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers and body of one call of `run_sql`; `more` are arguments, `_meta` is the call's."""
        meta = {**META, **more.pop("_meta", {})}
        params = {"name": "run_sql", "arguments": {"sql": sql, **more}, "_meta": meta}
        headers = {
            "authorization": f"Bearer {self.token(person)}", "content-type": "application/json",
            "accept": "application/json, text/event-stream", "mcp-protocol-version": MODERN,
            "mcp-method": "tools/call", "mcp-name": "run_sql",
        }  # fmt: skip
        return headers, {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.counted.port}/mcp"

    async def ask(self, person: str, sql: str, **more: Any) -> "Answered":
        headers, body = self.request(person, sql, **more)
        async with httpx2.AsyncClient(timeout=60) as client:
            return Answered.of(await client.post(self.address, headers=headers, json=body))


@dataclass(frozen=True)
class Answered:
    """A tool's result as it came over the wire, and what was told on the way."""

    result: dict[str, Any]
    notes: list[dict[str, Any]]

    @classmethod
    def of(cls, response: Any) -> "Answered":
        assert response.status_code == 200, response.text
        if response.headers["content-type"].startswith("text/event-stream"):
            *notes, last = events(response.content)
            return cls(last["result"], notes)
        return cls(response.json()["result"], [])

    @property
    def failed(self) -> bool:
        return bool(self.result.get("isError"))

    @property
    def text(self) -> str:
        return str(self.result["content"][0]["text"])

    @property
    def rows(self) -> list[list[Any]]:
        assert not self.failed, self.text
        found: list[list[Any]] = self.result["structuredContent"]["rows"]
        return found

    @property
    def whole(self) -> str:
        return json.dumps(self.result)


@contextlib.asynccontextmanager
async def served(issuer: Issuer, database: Loaded, **settings: object) -> AsyncIterator[Served]:
    async with contextlib.AsyncExitStack() as stack:
        with environment(database_url=database.ro_url, **settings):
            counted = await stack.enter_async_context(
                counted_server(issuer, server=build(), name="warehouse")
            )
        yield Served(issuer, counted, database)


@contextlib.asynccontextmanager
async def governed(
    folder: Path, server: Served, postgres_url: str, ledger_template: str, redis_url: str
) -> AsyncIterator[House]:
    """The gateway in front of the server, everything real."""
    lock = await definitions(build())
    async with (
        ledger_database(postgres_url, ledger_template) as ledger,
        house(
            folder, server.issuer, ledger, redis_url, server.counted,
            policies={"warehouse": POLICY}, locks={"warehouse": lock}, migrated=True,
        ) as made,
    ):  # fmt: skip
        await made.begin()
        yield made


async def busy(admin: asyncpg.Connection) -> int:
    """How many backends of the reader are at work."""
    count: int = await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'wh_ro' AND datname ="
        " current_database() AND state <> 'idle'"
    )
    return count


async def until_busy(admin: asyncpg.Connection, wanted: Callable[[int], bool]) -> float:
    """Seconds until so many backends are at work."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not wanted(await busy(admin)):
        assert loop.time() - started < PATIENCE_SECONDS, "it did not happen"
        await asyncio.sleep(0.01)
    return loop.time() - started
