"""W11, W17, W18: too much work, too much answer, and errors that tell."""

import asyncio
import json
import re
import statistics
import time

import asyncpg
from attacks.warehouse import PERSON, STATEMENT_SECONDS, contained, governed_attack
from house.house import House
from postgres.attacks import of
from postgres.served import SLOW, Served, until_busy

from mcp_warehouse.settings import Settings

DEFAULTS = Settings(database_url="postgresql://unused")
SOON = 5.0
QUICK = "SELECT count(*) FROM accounts WHERE balance > 0"


async def test_W11_a_bomb_is_refused_or_ends_at_the_limit(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W11")
    assert answers["four_way_cross_join"].failed
    assert "cost" in answers["four_way_cross_join"].text
    assert await until_busy(planted_admin, lambda count: count == 0) < SOON


async def test_W11_others_are_answered_while_bombs_go_off(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    """One of the two connections is under attack all the time; the other one's people wait little."""
    bombs = [one.sql for one in of("W11") if one.expect == "bounded"]
    over = asyncio.Event()

    async def attack() -> None:
        at = 0
        while not over.is_set():
            await warehouse_server.ask(PERSON, bombs[at % len(bombs)])
            at += 1

    async def timed() -> float:
        started = time.monotonic()
        assert (await warehouse_server.ask(PERSON, QUICK)).rows
        return time.monotonic() - started

    attacking = asyncio.create_task(attack())
    under_attack = [await timed() for _ in range(40)]
    over.set()
    await attacking
    # behind every bomb each would wait for a second and a half
    assert statistics.median(under_attack) < STATEMENT_SECONDS / 2
    assert await until_busy(planted_admin, lambda count: count == 0) < SOON


async def test_W11_memory_and_disk_of_a_query_are_bounded(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    config = await planted_admin.fetchval(
        "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'wh_ro'::regrole"
    )
    assert {"work_mem=32MB", "temp_file_limit=256MB", "max_parallel_workers_per_gather=0"} <= set(
        config
    )
    sorting = "SELECT a.order_id FROM order_lines a, order_lines b WHERE a.late ORDER BY b.revenue"
    answer = await warehouse_server.ask(PERSON, sorting)
    assert "cost" in answer.text or "memory or disk" in answer.text or "too long" in answer.text


async def test_W11_one_text_is_not_made_of_a_long_one_for_each_row(
    warehouse_server: Served,
) -> None:
    """The plan tells how wide the rows are, and nothing of what a statement adds to each."""
    long = "x" * 1000
    for joined in (f"'{long}', ''", f"a.region, '{long}'", "a.region || " * 4 + "a.region, ''"):
        sql = f"SELECT string_agg({joined}) FROM order_lines a, nations b"
        answer = await warehouse_server.ask(PERSON, sql)
        assert "texts of more rows" in answer.text


async def test_W17_ten_million_rows_are_cut_and_said(warehouse_server: Served) -> None:
    sql = "SELECT a.order_id FROM orders a CROSS JOIN nations b"
    answer = await warehouse_server.ask(PERSON, sql, max_rows=1000)
    assert answer.result["structuredContent"]["truncated"] is True
    assert len(answer.rows) == 1000


async def test_W17_bytes_rows_and_cells_have_their_caps(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W17")
    for name in ("wide_rows", "the_largest_table_whole"):
        assert answers[name].result["structuredContent"]["truncated"] is True
        assert len(json.dumps(answers[name].rows).encode()) <= 1.1 * DEFAULTS.most_bytes
    assert "texts of more rows" in answers["one_text_of_everything"].text
    assert answers["every_column_many_times"].failed
    cell = "SELECT string_agg(ship_mode || nation, ',') FROM order_lines"
    assert "larger than an answer" in (await warehouse_server.ask(PERSON, cell)).text


async def test_W17_sixteen_hundred_columns_are_refused_before_or_by_the_row_cap(
    warehouse_server: Served,
) -> None:
    by_name = "SELECT " + ", ".join(f"{n} AS c{n}" for n in range(1600))
    assert (await warehouse_server.ask(PERSON, by_name[:9_900])).failed
    joined = " CROSS JOIN ".join(f"(SELECT * FROM order_lines LIMIT 1) t{n}" for n in range(40))
    answer = await warehouse_server.ask(PERSON, f"SELECT * FROM {joined}")
    assert len(answer.whole) < 2 * DEFAULTS.most_row_characters


async def test_W18_an_error_has_a_state_and_a_sentence_and_no_value(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W18")
    for name, answer in answers.items():
        assert answer.failed, name
        assert not re.search(r"Customer#|EUROPE|invalid input|syntax for", answer.text), name
    told = answers["cast_error_quotes_the_value"].text
    assert "SQLSTATE 22P02" in told


async def test_W18_no_notice_of_the_database_reaches_a_caller(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    """`leak` raises a notice with each value; asked past the guard it may not even be called."""
    answer = await warehouse_server.ask(PERSON, "SELECT sales.leak(revenue) FROM sales.orders")
    assert answer.failed
    assert not re.search(r"\d+\.\d\d", answer.text)
    assert (
        await planted_admin.fetchval(
            "SELECT has_function_privilege('wh_ro', 'sales.leak(numeric)', 'EXECUTE')"
        )
        is False
    )


async def test_W18_through_the_gateway_neither_answer_nor_record_quotes_data(
    warehouse_behind: House,
) -> None:
    for attack in of("W18"):
        await warehouse_behind.begin()
        outcome, whole = await governed_attack(warehouse_behind, attack)
        assert outcome["reason"] == "invalid", attack.id
        assert not re.search(r"Customer#\d", whole + json.dumps(outcome)), attack.id


async def test_W11_a_long_query_of_one_person_does_not_outlive_its_limit(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answer = await warehouse_server.ask(PERSON, SLOW)
    assert answer.failed
    assert await until_busy(planted_admin, lambda count: count == 0) < SOON
