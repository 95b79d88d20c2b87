"""The gateway as a process of its own, before a server of the house: for signals and what they end."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
from house.backends import Counted
from house.house import META, MODERN, READER, WRITER, write_folder
from people import Issuer

from mcp_local.ports import free_port

START_SECONDS = 30.0
MAIN = "import mcp_gateway.__main__ as main; main.SHUTDOWN_SECONDS = {seconds}; main.main()"
RATES = "limits: {person_rate: 100000/minute, refused_rate: 100000/minute}\n"


@dataclass
class Running:
    process: asyncio.subprocess.Process
    port: int
    log: Path
    token: str

    async def call(self, http: httpx2.AsyncClient, number: int) -> httpx2.Response:
        """One good call; its answer can be told from every other one."""
        params = {
            "name": "numbers_add_numbers", "arguments": {"numbers": [number % 10]}, "_meta": META
        }  # fmt: skip
        document = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        headers = {
            "authorization": f"Bearer {self.token}",
            "accept": "application/json",
            "mcp-protocol-version": MODERN,
            "mcp-method": "tools/call",
            "mcp-name": "numbers_add_numbers",
        }
        return await http.post(f"http://127.0.0.1:{self.port}/mcp", json=document, headers=headers)

    async def ended(self, within: float) -> int:
        """Its exit code."""
        async with asyncio.timeout(within):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def gateway_process(
    folder: Path,
    issuer: Issuer,
    ledger: str,
    redis_url: str,
    server: Counted,
    *,
    drain_seconds: int = 30,
) -> AsyncIterator[Running]:
    """Ready to serve, and ended at the end; `drain_seconds` is what SIGTERM gives calls in flight."""
    made = await write_folder(folder, issuer, extra=RATES)
    port, address = free_port(), ledger.partition("@")[2]
    variables = {
        "GATEWAY_CONFIG": str(made.config), "GATEWAY_KEYS": str(made.keys),
        "GATEWAY_PORT": str(port), "GATEWAY_REDIS_URL": redis_url,
        "GATEWAY_LEDGER_URL": f"postgresql://audit_writer:{WRITER}@{address}",
        "GATEWAY_LEDGER_READER_URL": f"postgresql://audit_reader:{READER}@{address}",
        "GATEWAY_UPSTREAMS": f'{{"numbers": "http://127.0.0.1:{server.port}/mcp"}}',
    }  # fmt: skip
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
    log = folder / "gateway.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MAIN.format(seconds=drain_seconds),
            env={**kept, **variables}, stderr=out,
        )  # fmt: skip
    try:
        await _ready(port, process, log)
        yield Running(process, port, log, issuer.token("ana"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _ready(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with httpx2.AsyncClient(trust_env=False) as http:
        while process.returncode is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx2.TransportError):
                if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError(await asyncio.to_thread(log.read_text, "utf-8"))
