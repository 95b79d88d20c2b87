"""The gateway as a process of its own, before a server of the house: for signals, and for sockets."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from house.backends import Counted
from house.house import META, MODERN, READER, WRITER, write_folder
from people import Issuer

from mcp_gateway.configuration.settings import Settings
from mcp_local.ports import free_port

START_SECONDS = 60.0
PORTS = 5  # tried, as other tests look for free ones at the same time
# constants of modules first: deadlines that are long for people are too long for tests
MAIN = """
import functools, importlib, json, sys
for path, value in json.loads(sys.argv.pop()).items():
    module, _, name = path.rpartition(".")
    at = importlib.import_module(module)
    assert hasattr(at, name), path
    setattr(at, name, value)
from mcp_gateway.app import Gateway
if sys.argv.pop() == "forgetful":
    Gateway.running = functools.partialmethod(Gateway.running, insist_on_durability=False)
from mcp_gateway.__main__ import main
main()
"""
RATES = "limits: {person_rate: 100000/minute, refused_rate: 100000/minute}\n"


@dataclass
class Running:
    process: asyncio.subprocess.Process
    port: int
    log: Path
    token: str
    settings: Settings

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
    constants: Mapping[str, float] | None = None,
    durable: bool = True,
    extra: str = RATES,
    address: str = "",
    variables: Mapping[str, str] | None = None,
    **more: Any,
) -> AsyncIterator[Running]:
    """Ready to serve, and ended at the end.

    `constants` are other values for constants of modules, by their full name. `durable`: the
    ledger's database keeps what it acknowledges, as the gateway insists. `extra` ends gateway.yaml.
    `address` is where the server is reached, `more` what else its folder holds.
    """
    made = await write_folder(folder, issuer, extra=extra, **more)
    database = ledger.partition("@")[2]
    changed: dict[str, Any] = {
        "redis_url": redis_url,
        "ledger_url": f"postgresql://audit_writer:{WRITER}@{database}",
        "ledger_reader_url": f"postgresql://audit_reader:{READER}@{database}",
        "upstreams": {"numbers": address or f"http://127.0.0.1:{server.port}/mcp"},
    }
    settings = made.model_copy(update=changed)
    arguments = ("durable" if durable else "forgetful", json.dumps(constants or {}))
    log = folder / "gateway.log"
    for _ in range(PORTS):
        settings = settings.model_copy(update={"port": free_port()})
        named = {**changed, "port": settings.port}
        process = await _begun(settings, named, arguments, log, variables or {})
        try:
            if await _ready(settings.port, process, log):
                yield Running(process, settings.port, log, issuer.token("ana"), settings)
                return
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    raise AssertionError("no port stayed free until the gateway had it")


async def _begun(
    settings: Settings,
    changed: Mapping[str, Any],
    arguments: tuple[str, str],
    log: Path,
    more: Mapping[str, str],
) -> asyncio.subprocess.Process:
    variables = {
        **more,
        "GATEWAY_CONFIG": str(settings.config),
        "GATEWAY_KEYS": str(settings.keys),
        **{
            f"GATEWAY_{key.upper()}": json.dumps(value) if isinstance(value, dict) else str(value)
            for key, value in changed.items()
        },
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
    with log.open("wb") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", MAIN, *arguments, env={**kept, **variables}, stderr=out
        )


async def _ready(port: int, process: asyncio.subprocess.Process, log: Path) -> bool:
    """Whether it serves; not so when somebody else took its port meanwhile."""
    deadline = time.monotonic() + START_SECONDS
    async with httpx2.AsyncClient(trust_env=False) as http:
        while process.returncode is None and time.monotonic() < deadline:
            text = await asyncio.to_thread(log.read_text, "utf-8")
            if "Uvicorn running on" in text:
                answer = await http.get(f"http://127.0.0.1:{port}/readyz")
                if answer.status_code == 200:
                    return True
            await asyncio.sleep(0.05)
    text = await asyncio.to_thread(log.read_text, "utf-8")
    assert "address already in use" in text, text
    return False
