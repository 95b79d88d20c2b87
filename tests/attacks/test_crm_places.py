"""C02, C03: addresses and paths where names and ids belong."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from servers.crm.conftest import account, loaded
from servers.crm.counter import Counter, counter, crm_people
from servers.crm.wire import Fault, answer

__all__ = ["account", "counter", "crm_people", "loaded"]


@dataclass
class Listener:
    """Whoever connects to it was led astray."""

    port: int
    hits: list[str] = field(default_factory=list)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    found = Listener(0)

    async def hit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.hits.append((await reader.readline()).decode("latin-1"))
        writer.close()

    server = await asyncio.start_server(hit, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    both = [server]
    if socket.has_dualstack_ipv6():
        both.append(await asyncio.start_server(hit, "::1", found.port))
    try:
        yield found
        # a connection that was made is seen, if late
        _, writer = await asyncio.open_connection("127.0.0.1", found.port)
        writer.write(b"the test itself\n")
        while "the test itself\n" not in found.hits:  # noqa: ASYNC110  a list has no event
            await asyncio.sleep(0.01)
        writer.close()
        assert found.hits == ["the test itself\n"]
    finally:
        for one in both:
            one.close()


def addresses(port: int) -> list[str]:
    at = f":{port}/latest/meta-data"
    return [
        f"http://127.0.0.1{at}", f"http://localhost{at}", f"http://[::1]{at}", f"http://[::ffff:127.0.0.1]{at}",
        f"http://[0:0:0:0:0:ffff:7f00:1]{at}", f"http://2130706433{at}", f"http://0x7f000001{at}", f"http://0177.0.0.1{at}",
        f"http://127.1{at}", f"http://0{at}", f"//127.0.0.1{at}", f"\\\\127.0.0.1{at}", f"http:127.0.0.1{at}",
        f"http://api.example@127.0.0.1{at}", f"http://127.0.0.1{at}#@api.example", f"127.0.0.1:{port}", f"@127.0.0.1:{port}",
        f"http://127.0.0.1{at}?x=%0d%0aHost:%20x", f"gopher://127.0.0.1:{port}/_GET", f"dict://127.0.0.1:{port}/",
        f"http://localhost.{at}", f"http://rebind.localhost{at}", f"HtTp://127.0.0.1{at}",
    ]  # fmt: skip


def everywhere(text: str, number: int) -> list[tuple[str, dict[str, Any]]]:
    """Every argument that takes text, with this in it."""
    key = f"place-{number:04}"
    return [
        ("find_contacts", {"text": text}),
        ("get_account", {"account": text}),
        ("list_deals", {"stage": text}), ("list_deals", {"owner": text}), ("list_deals", {"account": text}),
        ("list_deals", {"cursor": text}), ("list_deals", {"closing_from": text}),
        ("log_note", {"account": text, "text": "x", "idempotency_key": key}),
        ("log_note", {"account": "11", "text": text, "idempotency_key": key}),
        ("log_note", {"account": "11", "text": "x", "idempotency_key": text}),
        ("log_note", {"account": "11", "text": "x", "idempotency_key": key, "deal_id": text}),
        ("update_deal_stage", {"deal_id": text, "stage": "Closed won", "idempotency_key": key}),
        ("update_deal_stage", {"deal_id": "1", "stage": text, "idempotency_key": key}),
    ]  # fmt: skip


async def test_c02_no_argument_is_an_address_the_server_goes_to(counter: Counter) -> None:
    async with listening() as there, counter.open("ben") as client:
        for number, address in enumerate(addresses(there.port)):
            for tool, arguments in everywhere(address, number):
                await client.call_tool(tool, arguments)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_c02_a_redirect_of_the_crm_is_not_gone_after(counter: Counter, status: int) -> None:
    async with listening() as there, counter.open("ben") as client:
        for host in (f"127.0.0.1:{there.port}", f"[::ffff:127.0.0.1]:{there.port}"):
            away = answer(status, b"", f"Location: http://{host}/crm/owners/2026-09")
            counter.office.wire.faults[:] = [Fault("/crm/", "answer", times=99, answer=away)]
            for tool, arguments in everywhere("customer", 1):
                await client.call_tool(tool, arguments)


async def test_c02_addresses_that_are_kept_in_the_crm_are_text(counter: Counter) -> None:
    async with listening() as there:
        db = await asyncpg.connect(counter.office.database)
        for address in addresses(there.port)[:8]:
            await db.execute(
                "UPDATE crm.object SET properties = properties || jsonb_build_object('domain', $1::text, 'name', $1::text,"
                " 'hs_note_body', '<img src=' || $1::text || '>'), indexed = properties WHERE type IN ('companies', 'notes')",
                address,
            )
            result = await counter.call("ben", "get_account", {"account": "11"})
            assert not result.is_error
            assert "<img" not in result.model_dump_json()
        await db.close()


PATHS = (
    "../admin", "..%2fadmin", "%2e%2e%2f%2e%2e%2fowners", "..\\..\\owners", "11/../../owners/2026-09", "1?admin=true",
    "11?idProperty=hs_object_id", "11#", "11;x=1", "11/associations/contacts", "11%00", "11%0d%0aX-Evil: 1", "11\r\nX-Evil: 1",
    "/crm/owners/2026-09", "search", "batch/read", "batch/archive", "merge", "gdpr-delete", "*", ".", "..", "11%2f..", "%",
    "\u2025/\u2025/owners", "\uff0e\uff0e\uff0fowners", "11\u2044x", "11|x", "{id}", "$11",
)  # fmt: skip
# what the server may ask for: each segment of a caller's is one segment here
KNOWN = re.compile(
    r"(?:GET /crm/owners/2026-09\?limit=100|GET /crm/pipelines/2026-09/deals"
    r"|POST /crm/objects/2026-09/(?:contacts|companies|deals)/search"
    r"|POST /crm/objects/2026-09/(?:contacts|companies|deals|notes)/batch/read"
    r"|POST /crm/associations/2026-09/[a-z]+/[a-z]+/batch/read"
    r"|POST /crm/objects/2026-09/notes"
    r"|(?:GET|PATCH) /crm/objects/2026-09/(?:companies|deals|notes)/[0-9a-f]+(?:\?[A-Za-z0-9_=&%,]*)?) HTTP/1\.1"
)


async def test_c03_no_text_becomes_a_part_of_a_path(counter: Counter) -> None:
    async with counter.open("ben") as client:
        for number, path in enumerate(PATHS):
            for tool, arguments in everywhere(path, number):
                result = await client.call_tool(tool, arguments)
                assert (
                    "X-Evil" not in str(result.structured_content or "")
                    or arguments.get("text") == path
                )
    unknown = [line for line in counter.office.wire.lines if not KNOWN.fullmatch(line)]
    assert unknown == []


async def test_c03_an_id_with_a_path_in_it_is_refused_before_anything_is_asked(
    counter: Counter,
) -> None:
    async with counter.open("ben") as client:
        for number, path in enumerate(PATHS):
            move = {"deal_id": path, "stage": "Closed won", "idempotency_key": f"path-{number:04}"}
            assert (await client.call_tool("update_deal_stage", move)).is_error
    assert counter.office.wire.lines == []
