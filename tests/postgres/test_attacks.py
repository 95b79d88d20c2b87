"""Every attack on the database alone, in the transaction the server would run it in."""

import asyncpg
import pytest
from postgres.attacks import ATTACKS, KNOWN, OWN, Attack
from postgres.layers import Answer, in_database, watched
from postgres.loaded import Loaded
from postgres.planted import FOREIGN

# PostgreSQL copies a text of hundreds of megabytes, and fills ninety hash tables, without a look at
# its clock; the server reads the plan before, and refuses so many tables
NOT_IN_TIME = {"one_text_of_everything", "every_column_many_times"}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.id)
async def test_the_database_alone_contains(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection, attack: Attack
) -> None:
    async def execute(sql: str) -> Answer:
        return await in_database(planted_warehouse.ro_url, sql)

    outcome = await watched(planted_admin, execute)(attack)
    assert (outcome.changed, outcome.foreign, outcome.left) == (False, False, ())
    assert not outcome.late or attack.id in NOT_IN_TIME
    if attack.expect == "answered":
        assert outcome.ran, outcome.why
        assert outcome.rows


async def test_what_an_attack_would_find_is_there(planted_admin: asyncpg.Connection) -> None:
    """Else the traps would catch nothing, and every test above would pass."""
    assert await planted_admin.fetchval("SELECT who FROM hr.salary") == FOREIGN
    for table in ("orders", "accounts", "order_lines"):
        count = await planted_admin.fetchval(
            f"SELECT count(*) FROM sales.{table} WHERE nation = $1", FOREIGN
        )
        assert count > 100
    assert await planted_admin.fetchval("SELECT sales.leak(1)") is True


def test_there_are_more_tricks_of_our_own_than_known_attacks() -> None:
    assert len({one.id for one in ATTACKS}) == len(ATTACKS)
    assert len(OWN) >= len(KNOWN)
    assert not {one.sql for one in OWN} & {one.sql for one in KNOWN}
