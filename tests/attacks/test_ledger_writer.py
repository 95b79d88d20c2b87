"""L10, L11, L16: the writer's login turned against the ledger, and arguments meant to break it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import pytest
from attacks.oracle import unharmed
from gateway.audit.conftest import Place, body, place, template
from gateway.audit.test_roles import READER_ATTACKS, WRITER_ATTACKS
from house.asks import GOOD, error_of
from house.backends import Counted
from house.conftest import Opened
from house.house import House

from mcp_gateway.audit import keys
from mcp_gateway.audit.canonical import record_bytes
from mcp_gateway.audit.verify import verify

__all__ = ["body", "place", "template"]  # fixtures

REFUSED = asyncpg.InsufficientPrivilegeError


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


# what JSON, PostgreSQL's text or a stack cannot carry
AWKWARD: dict[str, Any] = {
    "half a character": "\ud800",
    "a large number": 2**70,
    "no number": float("nan"),
    "NUL": "a\0b",
    "deep": nested(900),
    "bytes": b"\xff\xfe",
    "long": "x" * 200_000,
    "a key that is no text": {1: 2, None: 3},
}


@pytest.mark.parametrize(
    ("role", "attack"),
    [
        *(("writer", one) for one in WRITER_ATTACKS.values()),
        *(("reader", one) for one in READER_ATTACKS.values()),
    ],
    ids=[
        *(f"writer: {one}" for one in WRITER_ATTACKS),
        *(f"reader: {one}" for one in READER_ATTACKS),
    ],
)
async def test_L10_a_stolen_login_changes_reads_and_removes_nothing(
    place: Place, body: dict[str, Any], role: str, attack: str
) -> None:
    async with place.opened() as ledger:
        await ledger.append("intent", body)
    [row] = await place.rows("SELECT tableoid::regclass::text AS name FROM audit.record LIMIT 1")
    partition = row["name"].removeprefix("audit.")
    before = await place.rows("SELECT * FROM audit.record ORDER BY seq")
    connection = await asyncpg.connect(place.writer if role == "writer" else place.reader)
    try:
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(REFUSED):
            await connection.execute(attack.format(partition=partition))
    finally:
        await connection.close()
    assert await place.rows("SELECT * FROM audit.record ORDER BY seq") == before


@pytest.mark.parametrize("what", AWKWARD)
@pytest.mark.parametrize("field", ["args", "tool", "person", "reason", "trace"])
async def test_L16_no_value_keeps_a_call_off_the_record(
    place: Place, body: dict[str, Any], what: str, field: str
) -> None:
    async with place.opened() as ledger:
        entry = await ledger.append("intent", body | {field: AWKWARD[what]})
    [row] = await place.rows("SELECT body FROM audit.record WHERE seq = $1", entry.seq)
    assert orjson.loads(row["body"])["rid"] == body["rid"]
    report = await verify(place.reader, keys.load_public(place.public))
    assert report.findings == []


@pytest.mark.parametrize("what", AWKWARD)
def test_L16_the_encoder_is_total_and_its_record_bounded(what: str) -> None:
    body = record_bytes({"kind": "intent", "args": AWKWARD[what], what: 1})
    assert len(body) <= 65_536
    assert orjson.loads(body)["kind"] == "intent"


async def test_L16_a_call_with_a_number_no_encoder_likes_is_recorded_and_refused(
    home: House,
) -> None:
    async with unharmed(home) as told:
        told.answer(await home.call(GOOD["name"], {"numbers": [2**70]}))
        told.answer(await home.call("numbers_nothing", {"n": 2**70, "deep": nested(60)}))


@pytest.fixture
async def read_only(server: Counted, opened: Opened) -> AsyncIterator[House]:
    async with opened(server) as home:
        yield home


async def test_L11_a_database_that_only_reads_stops_calls_before_they_leave(
    read_only: House,
) -> None:
    home = read_only
    name = home.ledger_url.rpartition("/")[2]
    admin = await asyncpg.connect(home.ledger_url)
    sessions = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{name}' AND application_name LIKE 'ledger-%'"
    )
    try:
        await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await admin.execute(sessions)
        response = await home.call(GOOD["name"], GOOD["arguments"])
        assert response.status_code == 503
        assert error_of(response)["code"] == -31503
        assert home.server.calls == []
        await admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await admin.execute(sessions)
        for _ in range(100):
            if (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 200:
                break
            await asyncio.sleep(0.05)  # the ledger's own next attempt
        assert len(home.server.calls) == 1
        assert await home.settled(1, kind="event", reason="ledger_gap")
    finally:
        await admin.close()
