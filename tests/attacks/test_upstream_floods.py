"""U06: answers without an end. Each is cut off, told, on the record, and kept nowhere meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio
from attacks.evil import LOCK, POLICY
from attacks.process import Running, gateway_process
from attacks.upstream import Malicious, malicious, outcomes
from house.asks import until
from house.house import META, MODERN, REFUSED, ledger_database
from house.wire import events
from people import Issuer

from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey

QUIET_SECONDS = 2.0
ROOM = 64 * 1024**2  # more than before; one answer may have 4 MiB, and its copies
# how, the tool, and the word on the record
WAYS = {
    "huge": ("look", "answer_too_large"),
    "huge, chunked": ("look", "answer_too_large"),
    "no end": ("look", "answer_too_large"),
    "one byte chunks": ("look_long", "answer_too_large"),
    "comments": ("look_long", "answer_too_large"),
    "progress": ("look_long", "answer_too_large"),
    "a byte": ("look", "timed_out"),
    "hang": ("look", "timed_out"),
    "quiet": ("look_long", "timed_out"),
}


def resident(pid: int, key: str = "VmRSS:") -> int:
    """Bytes of memory a process has now, or has had at most."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise AssertionError(key)


@pytest_asyncio.fixture
async def front(
    tmp_path: Path,
    issuer: Issuer,
    postgres_server: Postgres,
    ledger_template: str,
    valkey_server: Valkey,
) -> AsyncIterator[tuple[Running, Malicious, str]]:
    async with (
        malicious(tmp_path) as evil,
        ledger_database(postgres_server.url(), ledger_template) as ledger,
        gateway_process(
            tmp_path / "own", issuer, ledger, valkey_server.url, evil, durable=False,
            constants={"mcp_gateway.upstream.forward.QUIET_SECONDS": QUIET_SECONDS},
            policies={"numbers": POLICY}, locks={"numbers": LOCK},
        ) as gateway,
    ):  # fmt: skip
        yield gateway, evil, ledger


async def ask(http: httpx2.AsyncClient, gateway: Running, tool: str, how: str) -> dict[str, Any]:
    meta = {**META, "progressToken": "t"}
    params = {"name": f"numbers_{tool}", "arguments": {"how": how}, "_meta": meta}
    headers = {
        "authorization": f"Bearer {gateway.token}",
        "accept": "application/json, text/event-stream", "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call", "mcp-name": f"numbers_{tool}",
    }  # fmt: skip
    document = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    url = f"http://127.0.0.1:{gateway.port}/mcp"
    response = await http.post(url, json=document, headers=headers)
    streamed = response.headers["content-type"] == "text/event-stream"
    last = events(response.content)[-1] if streamed else response.json()
    found: dict[str, Any] = last["result"]
    return found


def heard(evil: Malicious, how: str) -> bool:
    return bool(evil.told("gone", how=how))


async def test_u06_an_answer_without_an_end_is_cut_off_and_the_gateway_stays_small(
    front: tuple[Running, Malicious, str],
) -> None:
    gateway, evil, ledger = front
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        assert "isError" not in await ask(http, gateway, "look", "nothing")
        before = resident(gateway.process.pid)
        for how, (tool, word) in WAYS.items():
            began = time.monotonic()
            result = await ask(http, gateway, tool, how)
            assert result["isError"] is True, how
            assert result["_meta"][REFUSED]["code"] == word, how
            assert time.monotonic() - began < 20, how
            # the server hears of it: its connection is closed, not left to fill
            await until(partial(heard, evil, how), 10)
        assert not evil.told("all taken")
        assert resident(gateway.process.pid, "VmHWM:") - before < ROOM
        assert "isError" not in await ask(http, gateway, "look", "nothing")
    words = [(one["status"], one["reason"]) for one in await outcomes(ledger)]
    assert words == [("ok", ""), *(("failed", word) for _, word in WAYS.values()), ("ok", "")]


async def test_u06_others_are_served_while_twenty_answers_have_no_end(
    front: tuple[Running, Malicious, str],
) -> None:
    gateway, evil, _ = front
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        before = resident(gateway.process.pid)
        hows = [how for how in ("a byte", "hang", "no end", "huge") for _ in range(5)]
        under_way = [asyncio.create_task(ask(http, gateway, "look", how)) for how in hows]
        await until(lambda: len(evil.told("effect")) >= 10, 20)
        began = time.monotonic()
        assert (await http.get(f"http://127.0.0.1:{gateway.port}/readyz")).status_code == 200
        assert time.monotonic() - began < 3
        for answer in await asyncio.gather(*under_way):
            assert answer["isError"] is True
        assert resident(gateway.process.pid, "VmHWM:") - before < 3 * ROOM
