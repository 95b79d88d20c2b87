"""Two gateways behind their balancer, from a copy whose policies a test may change; and what they do."""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import redis
from live.conftest import ROOT

from mcp_local import control
from mcp_local.board import PartState, read_board
from mcp_local.load import Stack
from mcp_local.stack import place_for_test, started
from mcp_playbook import source, wire
from mcp_playbook.deployment import Deployment
from mcp_playbook.drill.rug_pull import NOT_COPIED
from mcp_playbook.replicas import sample
from mcp_playbook.replicas.load import Wish
from mcp_playbook.wire import Reply

GATEWAYS = ("gateway", "gateway-2")
PEOPLE = ("ana", "ben", "cho")
READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("crm_get_account", {"account": "11"}),
    ("docs_search_docs", {"query": "discount"}),
    ("docs_list_collections", {}),
    ("warehouse_list_tables", {}),
)
BACK_SECONDS = 60.0
SERVED = """
    SELECT s.replica, count(*) FROM audit.record r JOIN audit.segment s USING (seg)
    WHERE r.trace = ANY($1) AND r.kind = 'outcome' GROUP BY 1
"""


@dataclass(frozen=True)
class Two:
    stack: Stack
    at: Deployment

    # --- the replicas

    def state(self, name: str) -> PartState:
        board = read_board(self.stack.here.state)
        assert board is not None
        return board.parts[name]

    def kill(self, name: str) -> PartState:
        before = self.state(name)
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        return before

    async def back(self, before: PartState) -> None:
        deadline = time.monotonic() + BACK_SECONDS
        while (now := self.state(before.name)).pid == before.pid or now.status != "healthy":
            assert time.monotonic() < deadline, now
            await asyncio.sleep(0.05)

    async def restart(self, name: str) -> None:
        await asyncio.to_thread(control.restart, self.stack.here, name)

    def inner(self, name: str) -> str:
        """Past the balancer, to one of them."""
        return f"http://127.0.0.1:{self.stack.filler().ports[name]}/mcp"

    # --- what is asked

    def wishes(self, reads: int, writes: int) -> list[Wish]:
        """So many reads of each person and tool, and notes of each writer, in any order."""
        made = [
            Wish(person, tool, arguments)
            for person, (tool, arguments) in itertools.product(PEOPLE, READS)
            for _ in range(reads)
        ]
        return sample.mixed(made, sample.writes(self.stack, writes))

    async def ask(self, replica: str, method: str, person: str, /, **params: Any) -> Reply:
        token = await self.at.token(person, self.at.endpoints[0])
        return await wire.ask(self.inner(replica), method, params, token=token)

    # --- what came of it

    async def served(self, traces: list[str]) -> dict[str, int]:
        assert self.at.kit is not None
        assert self.at.kit.ledger is not None
        connection = await asyncpg.connect(self.at.kit.ledger)
        try:
            rows = await connection.fetch(SERVED, traces)
            return {row["replica"]: row["count"] for row in rows}
        finally:
            await connection.close()

    def full_buckets(self) -> None:
        """Nobody has called lately."""
        client = redis.Redis.from_url(self.stack.filler().redis)
        client.flushdb()
        client.close()

    def policy(self, server: str) -> Path:
        return self.stack.here.root / "servers" / server / "policy.yaml"


@contextlib.contextmanager
def two_gateways(folder: Path) -> Iterator[Two]:
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED, symlinks=True)
    for name in (".cache", ".venv"):
        (copy / name).symlink_to(ROOT / name)
    here = replace(place_for_test(folder / "run", copy), replicas=2)
    stack = Stack(here)
    with started(stack):
        yield Two(stack, source.of_stack(stack))


@contextlib.asynccontextmanager
async def listening(two: Two, name: str, person: str) -> AsyncIterator[list[str]]:
    """The lines of a stream of changes, as they come."""
    token = await two.at.token(person, two.at.endpoints[0])
    params = {"notifications": {"toolsListChanged": True}}
    url = two.inner(name) if name else two.at.endpoints[0].url
    headers = {
        "authorization": f"Bearer {token}", "content-type": "application/json",
        "accept": "application/json, text/event-stream", "mcp-protocol-version": wire.MODERN,
        "mcp-method": "subscriptions/listen",
    }  # fmt: skip
    body = wire.request("subscriptions/listen", params, wire.MODERN, 1)
    lines: list[str] = []

    async def read(answer: httpx2.Response) -> None:
        async for line in answer.aiter_lines():
            lines.extend([line] if line.startswith("data:") else [])
        lines.append("the end")

    async with (
        wire.client() as http,
        http.stream("POST", url, content=body, headers=headers) as answer,
    ):
        reading = asyncio.create_task(read(answer))
        try:
            await until(lambda: bool(lines), 30)
            yield lines
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def until(condition: Any, within: float) -> float:
    """Seconds it took; the condition may be asynchronous."""
    begun = time.monotonic()
    while True:
        found = condition()
        if await found if asyncio.iscoroutine(found) else found:
            return time.monotonic() - begun
        assert time.monotonic() - begun < within, f"not within {within:g} s"
        await asyncio.sleep(0.05)
