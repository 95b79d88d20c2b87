"""W06, W07, W13: functions and tables that reach out of the data."""

import re

import asyncpg
import pytest
from attacks.warehouse import alone, contained, governed_attack
from house.house import House
from postgres.attacks import of
from postgres.loaded import Loaded
from postgres.served import Served

FORBIDDEN = "42501"
ABSENT = "42883"  # no such function: the extension is not there


async def test_W06_no_file_is_read_or_written(
    warehouse_server: Served, planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W06")
    assert all(answer.failed for answer in answers.values())
    found = await alone(planted_warehouse, planted_admin, "W06")
    assert {one.why for one in found.values()} <= {FORBIDDEN, ABSENT}
    assert found["another_server"].why == ABSENT


async def test_W07_no_large_object_is_made_by_a_read(
    warehouse_server: Served, planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    await contained(warehouse_server, planted_admin, "W07")
    found = await alone(planted_warehouse, planted_admin, "W07")
    assert {one.why for one in found.values()} == {FORBIDDEN}
    assert await planted_admin.fetchval("SELECT count(*) FROM pg_largeobject_metadata") == 0


async def test_W07_the_right_is_missing_even_where_the_transaction_may_write(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    """READ ONLY does not count as the protection: PostgreSQL 15 made one inside it."""
    session = await asyncpg.connect(planted_warehouse.ro_url)
    await session.execute("SET default_transaction_read_only = off")
    try:
        for attack in of("W07"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.fetch(attack.sql)
    finally:
        await session.close()
    assert await planted_admin.fetchval("SELECT count(*) FROM pg_largeobject_metadata") == 0


async def test_W13_nothing_of_the_server_is_shown(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W13")
    assert all(answer.failed for answer in answers.values())
    told = " ".join(answer.whole for answer in answers.values())
    assert not re.search("wh_ro|wh_owner|postgres|pg_authid|hr[.]|tpch|127[.]0", told)


async def test_W13_the_database_alone_shows_neither_roles_nor_sessions_nor_settings(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    found = await alone(planted_warehouse, planted_admin, "W13")
    closed = {
        "roles", "activity", "information_schema", "columns_by_the_standard", "other_schema",
        "other_schema_quoted", "other_schema_in_dollar_quotes", "salaries", "definition_of_a_view",
        "privileges", "size_of_a_table", "address_of_the_server", "start_of_the_server",
        "cte_named_like_a_catalog_used_before_it", "cte_named_like_a_catalog_used_outside",
    }  # fmt: skip
    assert {name: one.why for name, one in found.items() if name in closed} == dict.fromkeys(
        closed, FORBIDDEN
    )


async def test_W13_through_the_gateway_nothing_of_the_server_is_shown(
    warehouse_behind: House,
) -> None:
    for attack in of("W13")[:6]:
        await warehouse_behind.begin()
        outcome, whole = await governed_attack(warehouse_behind, attack)
        assert outcome["reason"] == "invalid", attack.id
        assert not re.search("wh_ro|wh_owner|hr[.]", whole)
