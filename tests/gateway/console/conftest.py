"""A console over a real ledger, and the records somebody's calls would have left there."""

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey
from people import Issuer, running_issuer
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount

from mcp_gateway.audit import keys
from mcp_gateway.audit.ledger import Kind, Ledger
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.audit.waiting import Entry
from mcp_gateway.configuration.settings import Rate
from mcp_gateway.console.app import Console
from mcp_gateway.console.session import Cookies, Session
from mcp_gateway.definitions.catalogue import Catalogue, Pinned
from mcp_gateway.door.ids import call_id
from mcp_gateway.refusals import ledger_down
from mcp_gateway.rights.policy import Agent, Policy, Rule
from mcp_local import postgres
from mcp_local.ports import free_port

PUBLIC_URL = "http://localhost:18080"
SESSION_KEY = b"k" * 32


def as_role(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port}").geturl()


def a_rule(name: str, roles: list[str], **given: Any) -> Rule:
    said: dict[str, Any] = {
        "server": "crm", "family": "tool", "kind": "read", "rate": Rate(calls=60, seconds=60),
        "rates": {}, "timeout": 10.0, "redact": (), **given,
    }  # fmt: skip
    return Rule(name=name, roles=frozenset(roles), **said)


def a_policy() -> Policy:
    slow = {"contractor": Rate(calls=3, seconds=60)}
    rules = [
        a_rule(
            "find_contacts",
            ["sales", "support", "contractor"],
            rates=slow,
            mask={"$.contacts[*].phone": frozenset({"sales", "support"})},
        ),
        a_rule("log_note", ["sales"], kind="write", redact=("$.text",)),
        a_rule("forgotten", ["sales"]),
        a_rule("briefing", ["sales"], family="prompt"),
    ]
    return Policy(
        version="0123abcd4567",
        rules={(rule.server, rule.family, rule.name): rule for rule in rules},
        patterns=(),
        agents={"claude-code": Agent(may=["read", "write"], tools=["*"])},
        records={"crm": {"support": "all", "sales": "team"}},
    )


def a_catalogue() -> Catalogue:
    tools = {name: {"name": name, "hash": "0" * 64} for name in ("find_contacts", "log_note")}
    prompts = {"briefing": {"name": "briefing", "hash": "0" * 64}}
    crm = Pinned("crm", "CRM", "1", "", False, tools, prompts, {})
    return Catalogue(servers={"crm": crm}, drifted={("crm", "tool", "log_note")})


@dataclass
class Diary:
    """What the console told the ledger."""

    lines: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    down: bool = False

    async def event(self, name: str, detail: Mapping[str, Any]) -> None:
        if self.down:
            raise ledger_down()  # as the gateway's recorder says it
        self.lines.append((name, detail))


@dataclass
class House:
    """A ledger's writer and reader, and the calls of a day."""

    ledger: Ledger
    reader_url: str
    public_keys: Path
    admin: str
    diary: Diary = field(default_factory=Diary)

    async def write(self, kind: Kind, *, ago: float = 30, **body: Any) -> Entry:
        moment = datetime.now(UTC) - timedelta(seconds=ago)
        said = {
            "ts": moment.isoformat(timespec="microseconds"), "rid": call_id(), "sub": "s-1",
            "iss": "http://issuer.example", "person": "ben", "agent": "claude-code",
            "roles": ["sales"], "method": "tools/call", "server": "crm", "tool": "find_contacts",
            "decision": "allow", "policy": "0123abcd4567", **body,
        }  # fmt: skip
        return await self.ledger.append(kind, said)

    async def call(self, status: str = "ok", *, latency: float = 12.0, **body: Any) -> str:
        rid = call_id()
        arguments = body.pop("args", {"text": "Acme"})
        await self.write("intent", rid=rid, args=arguments, **body)
        await self.write("outcome", rid=rid, status=status, latency_ms=latency, **body)
        return rid

    async def refusal(self, decision: str, reason: str, **body: Any) -> str:
        rid = call_id()
        said = {"decision": decision, "reason": reason, "status": "refused", **body}
        await self.write("refusal", rid=rid, **said)
        return rid

    def console(self, issuer: Issuer | None = None, **changes: Any) -> Console:
        given: dict[str, Any] = {
            "public_url": issuer.gateway if issuer else PUBLIC_URL,
            "issuer": issuer.url if issuer else "http://127.0.0.1:9/realms/mcp",
            "issuer_internal": None,
            "key": _key(issuer),
            "session_key": SESSION_KEY,
            "reader_url": self.reader_url,
            "policy": a_policy,
            "catalogue": a_catalogue(),
            "event": self.diary.event,
            "ended": lambda _: False,
            "ledger_public": self.public_keys,
            **changes,
        }
        return Console(**given)

    @contextlib.asynccontextmanager
    async def visit(
        self, roles: tuple[str, ...] | None = ("operator",), **changes: Any
    ) -> AsyncIterator[httpx2.AsyncClient]:
        """A browser in front of the console, signed in unless `roles` is None."""
        console = self.console(**changes)
        async with console.running(), client_of(console) as client:
            if roles is not None:
                sign_in_by_hand(client, roles)
            yield client


def client_of(console: Console, base_url: str = PUBLIC_URL) -> httpx2.AsyncClient:
    app = Starlette(routes=[Mount("/console", app=console.app)])
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=base_url)


def sign_in_by_hand(
    client: httpx2.AsyncClient, roles: tuple[str, ...], name: str = "Olu Adeyemi"
) -> Session:
    """The cookie a sign-in leaves behind."""
    session = Session("s-9", "olu", name, roles, "csrf-1", "", int(time.time()))
    response = Response()
    Cookies(SESSION_KEY, secure=False, ended=lambda _: False).keep_session(response, session)
    cookie, _, value = response.headers["set-cookie"].partition(";")[0].partition("=")
    client.cookies.set(cookie, value)
    return session


def _key(issuer: Issuer | None) -> RSAKey:
    if issuer is None:
        return RSAKey.generate_key(2048)
    return RSAKey.import_key(issuer.key_file.read_bytes())


@pytest_asyncio.fixture(scope="session")
async def migrated(postgres_server: postgres.Postgres) -> AsyncIterator[str]:
    """An empty ledger to copy: its migration takes longer than most tests."""
    name = f"console_template_{secrets.token_hex(4)}"
    admin = await asyncpg.connect(postgres_server.url())
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        await migrate(postgres_server.url(name), "writer-secret", "reader-secret")
        yield name
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest_asyncio.fixture
async def house(
    postgres_server: postgres.Postgres, migrated: str, tmp_path: Path
) -> AsyncIterator[House]:
    key = tmp_path / keys.PRIVATE_NAME
    keys.create(key)
    name = f"console_{secrets.token_hex(4)}"
    admin = await asyncpg.connect(postgres_server.url())
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {migrated}")
    await admin.execute(f"GRANT CONNECT ON DATABASE {name} TO audit_writer, audit_reader")
    url = postgres_server.url(name)
    writer = as_role(url, "audit_writer", "writer-secret")
    ledger = await Ledger.open(writer, key, "replica-1", insist_on_durability=False)
    reader = as_role(url, "audit_reader", "reader-secret")
    try:
        yield House(ledger, reader, key.with_name(keys.PUBLIC_NAME), url)
    finally:
        await ledger.aclose()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture(scope="session")
def console_issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """The development issuer, for a gateway at a free port of this machine."""
    folder = tmp_path_factory.mktemp("console-issuer")
    gateway = f"http://localhost:{free_port()}"
    with running_issuer(folder, public_url_of_gateway=gateway, servers=["crm"]) as issuer:
        yield issuer
