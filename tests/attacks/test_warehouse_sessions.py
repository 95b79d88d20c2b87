"""W08, W09, W19: limits switched off, another person's rows, and what is left for the next caller."""

import contextlib
import time

import asyncpg
import pytest
from attacks.warehouse import alone, contained, governed_attack
from house.house import House
from postgres.attacks import of
from postgres.loaded import Loaded
from postgres.planted import FOREIGN
from postgres.served import SLOW, Served, busy, until_busy

from mcp_shared.faults import Fault
from mcp_warehouse.guard import Admitted, admit
from mcp_warehouse.reader import reading
from mcp_warehouse.rights import regions_of
from mcp_warehouse.settings import Settings

EUROPE = regions_of(["region-europe"])
FORBIDDEN = "42501"


async def test_W08_no_setting_is_changed_by_a_persons_sql(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W08")
    assert all(answer.failed for answer in answers.values())


async def test_W08_in_the_database_a_setting_ends_with_the_transaction(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    found = await alone(planted_warehouse, planted_admin, "W08")
    by_function = {name: one.why for name, one in found.items() if name.startswith("set_config")}
    assert set(by_function.values()) <= {FORBIDDEN, "42883"}
    assert len(by_function) == 9


async def test_W08_with_the_databases_limit_off_the_servers_deadline_ends_the_backend(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    """The watchdog sends its cancel from outside; the backend that had no limit is idle after it."""
    settings = Settings(
        database_url=planted_warehouse.ro_url, connections=1, most_cost=1e15,
        statement_seconds=30, deadline_seconds=0.7,
    )  # fmt: skip
    tables = frozenset({"order_lines"})
    async with reading(settings) as reader:
        started = time.monotonic()
        with pytest.raises(Fault, match="too long"):
            await reader.select(admit(SLOW, tables), 10, EUROPE)
        assert time.monotonic() - started < 10  # of the thirty that the database allows it
        await until_busy(planted_admin, lambda count: count == 0)
        answer = await reader.select(Admitted("SELECT 1 AS one", frozenset(), ()), 10, EUROPE)
        assert answer.rows == [[1]]


async def test_W09_no_sql_shows_another_regions_rows(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    """The planted rows of other regions carry a word of their own; it is in no answer."""
    answers = await contained(warehouse_server, planted_admin, "W09")
    assert answers["union_with_the_same_table"].rows == []
    assert answers["filter_that_is_always_true"].rows


async def test_W09_the_setting_that_rows_hang_on_cannot_be_spoofed_in_the_database(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    found = await alone(planted_warehouse, planted_admin, "W09")
    spoofs = {name: one.why for name, one in found.items() if name.startswith("set_config")}
    assert spoofs == dict.fromkeys(spoofs, FORBIDDEN)
    assert len(spoofs) == 4
    assert found["function_that_tells"].why == FORBIDDEN
    assert found["statistics_of_foreign_rows"].why == FORBIDDEN


async def test_W09_through_the_gateway_a_person_stays_with_their_rows(
    warehouse_behind: House,
) -> None:
    for attack in of("W09"):
        await warehouse_behind.begin()
        _, whole = await governed_attack(warehouse_behind, attack)
        assert FOREIGN not in whole, attack.id
    everything = await warehouse_behind.call(
        "warehouse_run_sql", {"sql": "SELECT nation FROM orders", "max_rows": 1000}, person="ana"
    )
    assert FOREIGN in everything.text, "the traps are there for whoever may see them"


async def test_W19_one_connection_for_two_people_hands_nothing_on(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    """Every attack got past the guard, on the one connection that the next person is given."""
    settings = Settings(database_url=planted_warehouse.ro_url, connections=1)
    seen = Admitted("SELECT one FROM unnest(watch.session()) AS one", frozenset(), ())
    rows = Admitted("SELECT DISTINCT region FROM sales.orders", frozenset(), ())
    async with reading(settings) as reader:
        clean = (await reader.select(seen, 1000, EUROPE)).rows
        for attack in of("W19") + of("W08") + of("W01"):
            with contextlib.suppress(Fault):
                await reader.select(
                    Admitted(attack.sql, frozenset(), ()), 10, regions_of(["region-all"])
                )
            held = (await reader.select(seen, 1000, EUROPE)).rows
            assert _without_the_query(held) == _without_the_query(clean), attack.id
            assert (await reader.select(rows, 1000, EUROPE)).rows == [["EUROPE"]]


def _without_the_query(rows: list[list[object]]) -> list[str]:
    """Less the statement by which it was asked, whose name counts up."""
    return [str(one) for (one,) in rows if not str(one).startswith("prepared __asyncpg")]


async def test_W19_through_the_server_nothing_is_left(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W19")
    assert all(answer.failed for answer in answers.values())
    assert await busy(planted_admin) == 0


async def test_W19_in_the_database_all_of_it_ends_with_the_transaction(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    await alone(planted_warehouse, planted_admin, "W19")
