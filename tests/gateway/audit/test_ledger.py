import asyncio
from typing import Any

import orjson
from gateway.audit.conftest import Place

from mcp_gateway.audit import keys, merkle, receipt


async def test_append_returns_after_the_record_is_durable(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        entry = await ledger.append("intent", body)
        [row] = await place.rows("SELECT * FROM audit.record WHERE seq = $1", entry.seq)
    stored = orjson.loads(row["body"])
    assert stored["person"] == row["person"] == "ana"
    assert (stored["kind"], stored["v"], stored["replica"]) == ("intent", 1, "replica-1")
    assert row["seg"] == entry.segment


async def test_two_hundred_at_once_share_blocks_and_none_is_lost_or_doubled(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        entries = await asyncio.gather(
            *(ledger.append("intent", body | {"rid": f"r-{i}"}) for i in range(200))
        )
    assert len({entry.seq for entry in entries}) == 200
    rows = await place.rows("SELECT rid, seq FROM audit.record WHERE kind = 'intent' ORDER BY seq")
    assert {row["rid"] for row in rows} == {f"r-{i}" for i in range(200)}
    assert [row["seq"] for row in rows] == list(range(2, 202))
    [blocks] = await place.rows("SELECT count(*) FROM audit.block")
    assert blocks[0] < 20


async def test_a_receipt_checks_with_the_public_key_alone(
    place: Place, body: dict[str, Any]
) -> None:
    async with place.opened() as ledger:
        entries = await asyncio.gather(*(ledger.append("intent", body) for _ in range(7)))
    trusted = keys.load_public(place.public)
    for entry in entries:
        header, leaf = receipt.check(orjson.loads(orjson.dumps(entry.receipt())), trusted)
        [row] = await place.rows("SELECT body FROM audit.record WHERE seq = $1", entry.seq)
        assert leaf == merkle.leaf_hash(row["body"])
        assert header.segment == entry.segment
