"""The CRM server as it is served: on a socket, behind its token check, asked by people who signed in."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult
from people import Issuer, running_issuer
from servers.crm.office import Office, open_office, served

from mcp_crm.server import build
from mcp_shared.serve import asgi
from mcp_shared.settings import ServerSettings

RESOURCE = "http://crm.internal/mcp"
AMARA = {  # sells in Africa, as Ben does in Europe
    "id": "5c1a3e52-7d0b-4b5e-9d3a-0a6f1f7e0b77",
    "username": "amara", "enabled": True, "email": "amara@larkfield.example", "emailVerified": True,
    "firstName": "Amara", "lastName": "Diallo", "groups": ["/sales", "/region-africa"],
    "realmRoles": [], "requiredActions": [],
    "credentials": [{"type": "password", "value": "${DEMO_PASSWORD}", "temporary": False}],
}  # fmt: skip


@dataclass(frozen=True)
class Counter:
    office: Office
    issuer: Issuer
    url: str

    @asynccontextmanager
    async def open(self, person: str) -> AsyncIterator[Client]:
        """A session with the token the gateway would bring for this person."""
        token = self.issuer.exchange(self.issuer.token(person), "crm").json()["access_token"]
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, mode="2026-07-28") as client:
                yield client

    async def call(self, person: str, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        async with self.open(person) as client:
            return await client.call_tool(tool, arguments)


@pytest.fixture(scope="session")
def crm_people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    folder = tmp_path_factory.mktemp("issuer")
    with running_issuer(folder, changes={"users": [AMARA]}) as issuer:
        yield issuer


@pytest_asyncio.fixture
async def counter(account: str, crm_people: Issuer) -> AsyncIterator[Counter]:
    async with open_office(account) as office:
        office.environment()
        settings = ServerSettings(
            resource=RESOURCE,
            issuer=crm_people.url,
            jwks_url=crm_people.jwks_url,
            callers=frozenset({crm_people.aggregate}),
        )
        async with served(asgi(build(), settings)) as port:
            yield Counter(office, crm_people, f"http://127.0.0.1:{port}/mcp")
