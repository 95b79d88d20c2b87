"""A whole gateway in process, with everything real around it: issuer, Postgres, Valkey, one server.

The server is the toolbox of tests/shared on a socket of its own; it counts what reaches it.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import uvicorn
from asgi import client_of, started
from joserfc.jwk import RSAKey
from people import Issuer
from shared.toolbox import add_numbers, note_number, wait_long

from mcp_gateway import app as gateway_app
from mcp_gateway.audit import keys as audit_keys
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.settings import Settings
from mcp_shared import serve
from mcp_shared.settings import ServerSettings

MODERN = "2026-07-28"
GATEWAY = "http://localhost:8080"
RESOURCE = "http://numbers.internal/mcp"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}

POLICY = """
tools:
  add_numbers: { roles: [analyst, contractor], rate: 1000/minute, rates: { contractor: 2/minute } }
  note_number: { roles: [analyst], kind: write, redact: [$.note] }
  wait_long: { roles: [analyst], timeout: 1s }
prompts: {}
resources: {}
"""
AGENTS = """
agents:
  mcp-dev-cli: { may: [read, write], tools: ["*"] }
"""


def a_server() -> Any:
    return serve.new_server(
        "numbers",
        title="Numbers",
        version="1",
        instructions="Adds digits.",
        tools=[add_numbers, note_number, wait_long],
    )


@dataclass
class Counted:
    """The server as the gateway reaches it; `seen` keeps every request's headers and body."""

    port: int
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def calls(self) -> list[dict[str, Any]]:
        messages = [json.loads(body) for _, body in self.seen]
        return [message for message in messages if message.get("method") == "tools/call"]


@contextlib.asynccontextmanager
async def listening(app: Any) -> AsyncIterator[int]:
    """A real socket for an ASGI app, without its lifespan."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server._serve([bound]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            server.force_exit = True
            await task


@contextlib.asynccontextmanager
async def counted_server(issuer: Issuer, server: Any = None) -> AsyncIterator[Counted]:
    checked: Any = serve.asgi(
        server or a_server(),
        ServerSettings(
            resource=RESOURCE,
            issuer=issuer.url,
            jwks_url=issuer.jwks_url,
            callers=frozenset({f"{GATEWAY}/mcp", f"{GATEWAY}/servers/numbers/mcp"}),
        ),
    )
    counted = Counted(port=0)

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        body = b""

        async def keep() -> Any:
            nonlocal body
            message = await receive()
            if message["type"] == "http.request":
                body += message.get("body", b"")
                if not message.get("more_body"):
                    counted.seen.append((headers, body))
            return message

        await checked(scope, keep, send)

    async with started(checked.app), listening(counting) as port:
        counted.port = port
        yield counted


@dataclass
class House:
    gateway: gateway_app.Gateway
    http: httpx2.AsyncClient
    issuer: Issuer
    server: Counted
    ledger_url: str

    async def post(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        person: str = "ana",
        endpoint: str = "",
        headers: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
    ) -> httpx2.Response:
        """One modern request; `headers` set to None are left out."""
        path = "/mcp" if not endpoint else f"/servers/{endpoint}/mcp"
        scope = "aud:mcp" if not endpoint else f"aud:{endpoint}"
        all_params = {**(params or {}), "_meta": META}
        document = {"jsonrpc": "2.0", "id": 7, "method": method, "params": all_params}
        sent: dict[str, str | None] = {
            "authorization": f"Bearer {self.issuer.token(person, scope)}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": MODERN,
            "mcp-method": method,
        }
        if "name" in all_params:
            sent["mcp-name"] = str(all_params["name"])
        sent |= headers or {}
        return await self.http.post(
            path,
            content=body if body is not None else json.dumps(document),
            headers={key: value for key, value in sent.items() if value is not None},
        )

    async def call(self, tool: str, arguments: Mapping[str, Any], **more: Any) -> httpx2.Response:
        return await self.post("tools/call", {"name": tool, "arguments": arguments}, **more)

    async def records(self, **wanted: str) -> list[dict[str, Any]]:
        """Bodies of the ledger's records, oldest first."""
        connection = await asyncpg.connect(self.ledger_url)
        try:
            rows = await connection.fetch("SELECT body FROM audit.record ORDER BY ts, seg, seq")
        finally:
            await connection.close()
        bodies = [json.loads(row["body"]) for row in rows]
        return [one for one in bodies if all(one.get(k) == v for k, v in wanted.items())]


async def write_folder(folder: Path, issuer: Issuer) -> Settings:
    """A repository in small: gateway.yaml, one server's policy and lock, and the keys."""
    server = folder / "servers" / "numbers"
    server.mkdir(parents=True)
    (server / "policy.yaml").write_text(POLICY)
    (server / "tools.lock.json").write_text(json.dumps(await serve.definitions(a_server())))
    (folder / "gateway").mkdir()
    (folder / "gateway" / "agents.yaml").write_text(AGENTS)
    (folder / "gateway" / "gateway.yaml").write_text(
        f"public_url: {GATEWAY}\nissuer: {issuer.url}\nservers: [numbers]\n"
    )
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    shutil.copy(issuer.key_file, keys / "gateway-assertion.pem")
    audit_keys.create(keys / "ledger.pem")
    for name in ("sealing.key", "session.key"):
        (keys / name).write_bytes(os.urandom(32))
    assert RSAKey.import_key(issuer.key_file.read_bytes())
    return Settings(config=folder / "gateway" / "gateway.yaml", keys=keys)


@contextlib.asynccontextmanager
async def house(
    folder: Path, issuer: Issuer, database: str, redis_url: str, server: Counted
) -> AsyncIterator[House]:
    password = secrets.token_urlsafe(12)
    await migrate(database, password, password)
    ledger = database.partition("@")[2]
    settings = (await write_folder(folder, issuer)).model_copy(
        update={
            "ledger_url": f"postgresql://audit_writer:{password}@{ledger}",
            "ledger_reader_url": f"postgresql://audit_reader:{password}@{ledger}",
            "redis_url": redis_url,
            "upstreams": {"numbers": f"http://127.0.0.1:{server.port}/mcp"},
        }
    )
    gateway = gateway_app.build(settings)
    ready, over = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        try:
            async with gateway.running(insist_on_durability=False):
                ready.set()
                await over.wait()
        finally:
            ready.set()

    task = asyncio.create_task(run())
    await ready.wait()
    if task.done():
        await task
    try:
        async with client_of(gateway, GATEWAY) as http:
            yield House(gateway, http, issuer, server, database)
    finally:
        over.set()
        await task
