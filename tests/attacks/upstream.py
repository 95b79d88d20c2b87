"""A malicious server as a process, behind a gateway; and what either of them says afterwards."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest_asyncio
from attacks.evil import LOCK, POLICY
from house.asks import tool_error
from house.backends import Counted
from house.conftest import Opened
from house.house import House

from mcp_local.ports import free_port

TESTS = Path(__file__).parents[1]
START_SECONDS = 60.0


@dataclass
class Malicious(Counted):
    """What `Counted` is in this process: a port, a name, and what it saw."""

    journal: Path = Path()

    def told(self, event: str, **wanted: Any) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.journal.read_text("utf-8").splitlines()]
        return [
            one
            for one in lines
            if one["event"] == event and all(one.get(key) == it for key, it in wanted.items())
        ]

    def effects(self, how: str) -> int:
        """How often a call with this argument took effect."""
        return len(self.told("effect", how=how))


@contextlib.asynccontextmanager
async def malicious(folder: Path, *certificate: Path) -> AsyncIterator[Malicious]:
    journal, port = folder / "journal", free_port()
    journal.touch()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "attacks.evil", str(port), str(journal), *map(str, certificate),
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _listens(port):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        yield Malicious(port=port, journal=journal)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest_asyncio.fixture
async def evil(tmp_path: Path) -> AsyncIterator[Malicious]:
    async with malicious(tmp_path) as started:
        yield started


@pytest_asyncio.fixture
async def behind(evil: Malicious, opened: Opened) -> AsyncIterator[House]:
    """A house whose only server is the malicious one."""
    async with opened(evil, policies={"numbers": POLICY}, locks={"numbers": LOCK}) as house:
        yield house


async def answer(home: House, result: Any, **more: Any) -> Any:
    """What a person gets when the server answers so."""
    name = more.pop("tool", "numbers_look")
    response = await home.call(name, {"how": json.dumps(result)}, **more)
    assert response.status_code == 200, response.text
    return response.json()["result"]


async def outcome(home: House) -> dict[str, Any]:
    """The last one on the record."""
    *_, last = await home.records(kind="outcome")
    return last


async def failure(home: House, tool: str, how: str, **more: Any) -> tuple[str, str, str, str]:
    """The model's text and code, and the record's status and reason."""
    arguments = {"how": how, **more.pop("arguments", {})}
    text, said = tool_error(await home.call(tool, arguments, **more))
    last = await outcome(home)
    return text, said["code"], last["status"], last["reason"]


async def outcomes(ledger: str) -> list[dict[str, Any]]:
    """All of a ledger, oldest first."""
    connection = await asyncpg.connect(ledger)
    try:
        rows = await connection.fetch("SELECT body FROM audit.record ORDER BY ts, seg, seq")
    finally:
        await connection.close()
    bodies = [json.loads(row["body"]) for row in rows]
    return [one for one in bodies if one["kind"] == "outcome"]
