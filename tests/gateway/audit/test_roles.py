"""What the two logins may not do, and what even the owner is stopped at."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from gateway.audit.conftest import READER, WRITER, Place

from mcp_gateway.audit.migrate import migrate


async def test_a_url_with_sslmode_is_the_drivers_to_read(database: str) -> None:
    await migrate(f"{database}?sslmode=disable", WRITER, READER)


REFUSED = asyncpg.InsufficientPrivilegeError

TODAY = "(clock_timestamp() AT TIME ZONE 'UTC')::date"

WRITER_ATTACKS = {
    "update": "UPDATE audit.record SET person = 'x'",
    "delete": "DELETE FROM audit.record",
    "truncate": "TRUNCATE audit.record",
    "truncate a partition": "TRUNCATE audit.{partition}",
    "read a body": "SELECT body FROM audit.record",
    "drop": "DROP TABLE audit.record",
    "switch a trigger off": "ALTER TABLE audit.record DISABLE TRIGGER deny_change",
    "copy its own rows": "INSERT INTO audit.record (seg_day, seg, seq, block, body) "
    "SELECT seg_day, seg, seq + 1000, 1, body FROM audit.record",
    "copy out": "COPY audit.record TO STDOUT",
    "forge when a segment was opened": "INSERT INTO audit.segment (seg, replica, opened) "
    "VALUES (gen_random_uuid(), 'r', now() - interval '1 day')",
    "overwrite on conflict": "INSERT INTO audit.record (seg_day, seg, seq, block, body) "
    "SELECT seg_day, seg, seq, 1, '{{}}' FROM audit.record LIMIT 1 "
    "ON CONFLICT (seg_day, seg, seq) DO UPDATE SET body = excluded.body",
    "write a partition directly": "INSERT INTO audit.{partition} (seg_day, seg, seq, block, body) "
    "VALUES (" + TODAY + ", gen_random_uuid(), 1, 1, '{{}}')",
    "forge the second clock": "INSERT INTO audit.block (seg_day, seg, block, first_seq, count, "
    "prev, root, signed_at, key, signature, db_ts) VALUES (" + TODAY + ", gen_random_uuid(), 1, 1, "
    "1, sha256(''), sha256(''), now(), repeat('0', 16), sha512(''), now())",
    "forge the day of a segment": "INSERT INTO audit.segment (seg, replica, seg_day) "
    "VALUES (gen_random_uuid(), 'r', '2001-01-01')",
    "read blocks": "SELECT root FROM audit.block",
    "change a block": "UPDATE audit.block SET count = 1",
    "delete a segment": "DELETE FROM audit.segment",
    "detach a partition": "ALTER TABLE audit.record DETACH PARTITION audit.{partition}",
    "make a table": "CREATE TABLE audit.mine (x int)",
    "make a temporary table": "CREATE TEMP TABLE mine (x int)",
    "become the owner": "SET ROLE audit_owner",
    "turn triggers off": "SET session_replication_role = replica",
    "replace the fence": "CREATE OR REPLACE FUNCTION audit.fence(name text) RETURNS boolean "
    "LANGUAGE sql AS 'SELECT true'",
}  # fmt: skip

READER_ATTACKS = {
    "insert": "INSERT INTO audit.record (seg_day, seg, seq, block, body) "
    "VALUES (" + TODAY + ", gen_random_uuid(), 1, 1, '{{}}')",
    "update": "UPDATE audit.record SET person = 'x'",
    "delete": "DELETE FROM audit.record",
    "truncate": "TRUNCATE audit.record",
    "insert a block": "INSERT INTO audit.block SELECT * FROM audit.block",
    "update a block": "UPDATE audit.block SET count = 1",
    "register a segment": "INSERT INTO audit.segment (seg, replica) "
    "VALUES (gen_random_uuid(), 'r')",
    "delete a segment": "DELETE FROM audit.segment",
    "drop": "DROP TABLE audit.record",
    "make partitions": "SELECT audit.prepare(1)",
    "end a writer's session": "SELECT audit.fence('ledger')",
    "read a partition directly": "SELECT * FROM audit.{partition}",
}  # fmt: skip


@pytest_asyncio.fixture
async def partition(place: Place, body: dict[str, Any]) -> AsyncIterator[str]:
    async with place.opened() as ledger:
        await ledger.append("intent", body)
    [row] = await place.rows("SELECT tableoid::regclass::text AS name FROM audit.record LIMIT 1")
    before = await place.rows("SELECT * FROM audit.record ORDER BY seq")
    yield row["name"].removeprefix("audit.")
    assert await place.rows("SELECT * FROM audit.record ORDER BY seq") == before


@pytest.mark.parametrize("attack", WRITER_ATTACKS.values(), ids=WRITER_ATTACKS)
async def test_the_writer_cannot(place: Place, partition: str, attack: str) -> None:
    connection = await asyncpg.connect(place.writer)
    try:
        with pytest.raises(REFUSED):
            await connection.execute(attack.format(partition=partition))
    finally:
        await connection.close()


@pytest.mark.parametrize("attack", READER_ATTACKS.values(), ids=READER_ATTACKS)
async def test_the_reader_cannot(place: Place, partition: str, attack: str) -> None:
    connection = await asyncpg.connect(place.reader)
    try:
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(REFUSED):
            await connection.execute(attack.format(partition=partition))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit.record SET person = 'x'",
        "DELETE FROM audit.record",
        "TRUNCATE audit.record",
        "TRUNCATE audit.{partition}",
        "DELETE FROM audit.{partition}",
        "UPDATE audit.{partition} SET person = 'x'",
        "UPDATE audit.block SET count = 1",
        "TRUNCATE audit.block",
        "DELETE FROM audit.segment",
    ],
)
async def test_even_a_superuser_is_stopped_while_the_triggers_are_on(
    place: Place, partition: str, attack: str
) -> None:
    connection = await asyncpg.connect(place.admin)
    try:
        with pytest.raises(REFUSED, match="only grows"):
            await connection.execute(attack.format(partition=partition))
    finally:
        await connection.close()


async def test_migrating_twice_changes_nothing_and_renews_the_passwords(place: Place) -> None:
    await migrate(place.admin, "another-writer", READER)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(place.writer)
    await migrate(place.admin, WRITER, READER)
    await (await asyncpg.connect(place.writer)).close()


async def test_partitions_are_made_while_a_long_verification_reads(place: Place) -> None:
    reader = await asyncpg.connect(place.reader)
    writer = await asyncpg.connect(place.writer)
    try:
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            await reader.fetch("SELECT * FROM audit.record")
            made = await writer.fetchval("SELECT audit.prepare(9)", timeout=5)
            assert made == 6
            assert await writer.fetchval("SELECT audit.prepare(9)") == 0
    finally:
        await reader.close()
        await writer.close()


async def test_a_new_partition_refuses_truncation_too(place: Place) -> None:
    writer = await asyncpg.connect(place.writer)
    await writer.execute("SELECT audit.prepare(9)")
    await writer.close()
    names = await place.rows(
        "SELECT relid::regclass::text AS name FROM pg_partition_tree('audit.record') WHERE isleaf"
    )
    assert len(names) == 10
    admin = await asyncpg.connect(place.admin)
    try:
        for row in names:
            with pytest.raises(REFUSED, match="only grows"):
                await admin.execute(f"TRUNCATE {row['name']}")
    finally:
        await admin.close()
