"""What each layer of `run_sql` does alone, and that the measure can tell."""

from collections.abc import Callable

import pytest
import pytest_asyncio
from postgres import opened
from postgres.attacks import HOSTILE, Attack, of
from postgres.layers import (
    Outcome,
    first_word,
    guarded,
    in_database,
    line,
    one_select,
    watched,
    wide_open,
)
from postgres.loaded import Loaded, session

from mcp_local.postgres import Postgres

PASSES = [one for one in HOSTILE if one.expect != "refused"]
SPOOFED = {"set_config_regions_lateral", "set_config_in_a_cte", "set_config_in_a_filter"}


@pytest_asyncio.fixture(scope="module")
async def plain(postgres_server: Postgres, planted_warehouse: Loaded) -> Loaded:
    return await opened.plain(postgres_server, planted_warehouse)


@pytest_asyncio.fixture(scope="module")
async def wide(postgres_server: Postgres, planted_warehouse: Loaded) -> Loaded:
    return await opened.wide(postgres_server, planted_warehouse)


@pytest.mark.parametrize("attack", PASSES, ids=lambda a: a.id)
async def test_what_the_allow_list_lets_through_does_nothing_even_where_everything_is_open(
    wide: Loaded, attack: Attack
) -> None:
    async with session(wide.admin_url) as admin:
        outcome = await watched(admin, guarded(lambda sql: wide_open(wide.ro_url, sql)))(attack)
    assert not outcome.changed
    assert not outcome.foreign


@pytest.mark.parametrize("attack", [a for a in of("W09") if a.id in SPOOFED], ids=lambda a: a.id)
async def test_without_the_revokes_the_setting_is_spoofed_and_the_measure_sees_it(
    plain: Loaded, planted_warehouse: Loaded, attack: Attack
) -> None:
    """Row security on a setting is worth what the ways to that setting are closed."""
    outcomes = []
    for database in (plain, planted_warehouse):
        async with session(database.admin_url) as admin:
            run = watched(admin, lambda sql, url=database.ro_url: in_database(url, sql))  # type: ignore[misc]
            outcomes.append(await run(attack))
    assert [one.foreign for one in outcomes] == [True, False]
    assert outcomes[1].why == "42501"


async def test_a_write_is_seen_by_the_measure(wide: Loaded) -> None:
    async with session(wide.admin_url) as admin:
        run = watched(admin, lambda sql: wide_open(wide.ro_url, sql))
        outcome = await run(Attack("", "W02", "", "SELECT sales.purge()"))
    assert outcome.changed
    assert not outcome.contained


@pytest.mark.parametrize("check", [first_word, one_select])
def test_the_checks_people_write_first_let_most_of_it_through(check: Callable[[str], bool]) -> None:
    assert sum(check(one.sql) for one in HOSTILE) > len(HOSTILE) / 2


def test_a_line_of_the_table_counts_each_kind_of_harm() -> None:
    attack = HOSTILE[0]
    outcomes = [
        (attack, Outcome(ran=True, changed=True)),
        (attack, Outcome(ran=False, late=True)),
        (attack, Outcome(ran=True)),
        (attack, Outcome(ran=True, left=("listens x",))),
    ]
    assert line("x", outcomes).split() == ["x", "3/4", "1", "0", "1", "1", "1/4"]
