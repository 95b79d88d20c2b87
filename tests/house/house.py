"""A whole gateway in process, with everything real around it: issuer, Postgres, Valkey, servers.

The servers stand on sockets of their own; each counts what reaches it and can be told to misbehave.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
from asgi import client_of, held
from house.backends import Counted, a_server
from house.folders import AGENTS, POLICIES
from joserfc.jwk import RSAKey
from people import Issuer

from mcp_gateway import app as gateway_app
from mcp_gateway.audit import keys as audit_keys
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.configuration.settings import Settings
from mcp_gateway.upstream.breaker import Breaker
from mcp_gateway.upstream.forward import Forward
from mcp_shared import serve

MODERN = "2026-07-28"
GATEWAY = "http://localhost:8080"
RECEIPT = "dev.mcp-in-production/audit"
REFUSED = "dev.mcp-in-production/refused"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
# roles belong to the whole cluster, so every test that migrates a ledger sets the same passwords
WRITER, READER = "writer-secret", "reader-secret"
TOKEN_SECONDS = 120  # of the 300 a token lives


@dataclass
class House:
    gateway: gateway_app.Gateway
    http: httpx2.AsyncClient
    issuer: Issuer
    server: Counted
    ledger_url: str
    servers: Mapping[str, Counted] = field(default_factory=dict)
    # records written before the test began
    mark: int = 0
    _tokens: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)

    def token(self, person: str = "ana", endpoint: str = "") -> str:
        key = (person, f"aud:{endpoint or 'mcp'}")
        known = self._tokens.get(key)
        if known is None or known[0] < time.monotonic():
            known = (time.monotonic() + TOKEN_SECONDS, self.issuer.token(*key))
            self._tokens[key] = known
        return known[1]

    def headers(
        self, method: str, *, person: str = "ana", endpoint: str = "", name: str | None = None
    ) -> dict[str, str]:
        """What a modern client sends with a request."""
        sent = {
            "authorization": f"Bearer {self.token(person, endpoint)}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": MODERN,
            "mcp-method": method,
        }
        return sent if name is None else {**sent, "mcp-name": name}

    async def post(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        person: str = "ana",
        endpoint: str = "",
        headers: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
        request_id: Any = 7,
    ) -> httpx2.Response:
        """One modern request; `headers` set to None are left out."""
        all_params = {**(params or {}), "_meta": {**META, **(params or {}).get("_meta", {})}}
        named = all_params.get("name", all_params.get("uri"))
        made = self.headers(method, person=person, endpoint=endpoint, name=named)
        kept = {
            key: value for key, value in {**made, **(headers or {})}.items() if value is not None
        }
        document = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": all_params}
        content = body if body is not None else json.dumps(document).encode()
        return await self.http.post(path_of(endpoint), content=content, headers=kept)

    async def legacy(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        version: str | None = "2025-11-25",
        person: str = "ana",
        endpoint: str = "",
        request_id: Any = 7,
    ) -> httpx2.Response:
        """One request as clients of 2025 send it."""
        headers = {
            "authorization": f"Bearer {self.token(person, endpoint)}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        if version is not None:
            headers["mcp-protocol-version"] = version
        document = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}}
        return await self.http.post(path_of(endpoint), json=document, headers=headers)

    async def call(self, tool: str, arguments: Mapping[str, Any], **more: Any) -> httpx2.Response:
        return await self.post("tools/call", {"name": tool, "arguments": arguments}, **more)

    async def records(self, **wanted: str) -> list[dict[str, Any]]:
        """Bodies of the records since the test began, oldest first."""
        connection = await asyncpg.connect(self.ledger_url)
        try:
            rows = await connection.fetch(
                "SELECT body FROM audit.record ORDER BY ts, seg, seq OFFSET $1", self.mark
            )
        finally:
            await connection.close()
        bodies = [json.loads(row["body"]) for row in rows]
        return [one for one in bodies if all(one.get(k) == v for k, v in wanted.items())]

    async def settled(self, count: int, **wanted: str) -> list[dict[str, Any]]:
        """The records, once there are `count`: what is written after the caller has left."""
        deadline = time.monotonic() + 20
        while len(found := await self.records(**wanted)) < count and time.monotonic() < deadline:  # noqa: ASYNC110  the database has no event
            await asyncio.sleep(0.02)
        return found

    @property
    def breaker(self) -> Breaker:
        """Of the first server."""
        assert self.gateway.edge is not None
        forward = self.gateway.edge.pipeline.steps.forward
        assert isinstance(forward, Forward)
        return forward._breakers[self.server.name]

    async def begin(self) -> None:
        """Forget what was before, once the last of it is on the record."""
        self.breaker.worked()
        assert self.gateway.edge is not None
        await self.gateway.edge.aclose()
        while late := set(self.gateway.edge.turned_away._tasks):
            await asyncio.wait(late)
        self.gateway.edge.floods.forget()
        self.gateway.edge.turned_away._seen.clear()
        self.mark = 0
        self.mark = len(await self.records())
        for server in [self.server, *self.servers.values()]:
            server.seen.clear()
            server.behave = None


def path_of(endpoint: str) -> str:
    return f"/servers/{endpoint}/mcp" if endpoint else "/mcp"


async def write_folder(
    folder: Path,
    issuer: Issuer,
    names: Sequence[str] = ("numbers",),
    policies: Mapping[str, str] | None = None,
    extra: str = "",
    locks: Mapping[str, Any] | None = None,
) -> Settings:
    """A repository in small: gateway.yaml, the servers' policies and locks, and the keys."""
    for name in names:
        server = folder / "servers" / name
        server.mkdir(parents=True)
        (server / "policy.yaml").write_text((policies or {}).get(name) or POLICIES[name])
        lock = (locks or {}).get(name) or await serve.definitions(a_server(name))
        (server / "tools.lock.json").write_text(json.dumps(lock))
    (folder / "gateway").mkdir()
    (folder / "gateway" / "agents.yaml").write_text(AGENTS)
    (folder / "gateway" / "gateway.yaml").write_text(
        f"public_url: {GATEWAY}\nissuer: {issuer.url}\nservers: [{', '.join(names)}]\n{extra}"
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
async def ledger_database(admin_url: str, template: str) -> AsyncIterator[str]:
    """The superuser URL of a migrated ledger of one's own: a copy, which is quicker to make."""
    name = f"house_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO audit_writer, audit_reader")
        yield f"{admin_url.rpartition('/')[0]}/{name}"
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def house(
    folder: Path,
    issuer: Issuer,
    database: str,
    redis_url: str,
    server: Counted,
    *others: Counted,
    policies: Mapping[str, str] | None = None,
    extra: str = "",
    locks: Mapping[str, Any] | None = None,
    migrated: bool = False,
    **changed: Any,
) -> AsyncIterator[House]:
    """A gateway before these servers; `changed` are settings, `extra` ends gateway.yaml."""
    if not migrated:
        await migrate(database, WRITER, READER)
    ledger = database.partition("@")[2]
    names = [one.name for one in (server, *others)]
    settings = (await write_folder(folder, issuer, names, policies, extra, locks)).model_copy(
        update={
            "ledger_url": f"postgresql://audit_writer:{WRITER}@{ledger}",
            "ledger_reader_url": f"postgresql://audit_reader:{READER}@{ledger}",
            "redis_url": redis_url,
            "upstreams": {
                one.name: f"http://127.0.0.1:{one.port}/mcp" for one in (server, *others)
            },
            **changed,
        }
    )
    gateway = gateway_app.build(settings)
    async with (
        held(gateway.running(insist_on_durability=False)),
        client_of(gateway, GATEWAY) as http,
    ):
        known = {one.name: one for one in (server, *others)}
        yield House(gateway, http, issuer, server, database, known)
