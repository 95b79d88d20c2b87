import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from postgres.attacks import ATTACKS, HOSTILE, Attack
from postgres.loaded import Loaded
from postgres.planted import FOREIGN, state
from servers.warehouse.answers import content, fault
from servers.warehouse.conftest import Ask

from mcp_local.ports import free_port
from mcp_shared.faults import Fault, Unavailable
from mcp_warehouse.guard import Admitted
from mcp_warehouse.reader import reading
from mcp_warehouse.rights import regions_of
from mcp_warehouse.settings import Settings

EUROPE = regions_of(["region-europe"])
SOON = 10.0  # what these queries cost, nothing else ends sooner


# what the server itself sets in the transaction that looks
OURS = {
    "app.regions", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
    "transaction_timeout", "transaction_read_only", "application_name",
}  # fmt: skip


def unguarded(sql: str) -> Admitted:
    """What the guard would let through if it were wrong."""
    return Admitted(sql, frozenset(), ())


async def test_it_answers_columns_and_rows_in_their_order(ask: Ask) -> None:
    sql = (
        "SELECT region, count(*) AS orders, min(order_date), avg(revenue), bool_and(lines > 0), NULL"
        " AS region FROM orders GROUP BY region ORDER BY 1 DESC"
    )
    answer = content(await ask("run_sql", {"sql": sql}))
    assert answer["columns"] == ["region", "orders", "min", "avg", "bool_and", "region"]
    assert [row[0] for row in answer["rows"]] == [
        "MIDDLE EAST", "EUROPE", "ASIA", "AMERICA", "AFRICA",
    ]  # fmt: skip
    _, orders, first, average, all_true, nothing = answer["rows"][0]
    assert isinstance(orders, int)
    assert isinstance(average, float)
    assert len(first) == len("2020-01-01")
    assert all_true is True
    assert nothing is None
    assert answer["truncated"] is False


async def test_a_column_may_have_any_name(ask: Ask) -> None:
    answer = content(await ask("run_sql", {"sql": "SELECT count(*) AS answer FROM nations"}))
    assert (answer["columns"], answer["rows"]) == (["answer"], [[25]])


async def test_an_empty_answer_still_names_its_columns(ask: Ask) -> None:
    sql = "SELECT account_id, account_name AS who FROM accounts WHERE balance > 1e9"
    answer = content(await ask("run_sql", {"sql": sql}))
    assert (answer["columns"], answer["rows"]) == (["account_id", "who"], [])


async def test_rows_are_those_of_the_regions_of_the_person(ask: Ask) -> None:
    sql = "SELECT DISTINCT region FROM order_lines"
    answer = content(await ask("run_sql", {"sql": sql}, groups=("region-asia", "region-europe")))
    assert sorted(row[0] for row in answer["rows"]) == ["ASIA", "EUROPE"]
    assert answer["regions"] == ["ASIA", "EUROPE"]


async def test_without_a_region_group_it_says_which_to_ask_for(ask: Ask) -> None:
    code, text = fault(await ask("run_sql", {"sql": "SELECT 1 AS one"}, groups=("analyst",)))
    assert code == "denied"
    assert "region-all" in text


async def test_too_many_rows_are_cut_and_said(ask: Ask) -> None:
    asked = {"sql": "SELECT order_id FROM orders", "max_rows": 7}
    answer = content(await ask("run_sql", asked))
    assert len(answer["rows"]) == 7
    assert answer["truncated"] is True


async def test_exactly_as_many_rows_as_allowed_are_not_cut(ask: Ask) -> None:
    asked = {"sql": "SELECT nation FROM nations", "max_rows": 25}
    answer = content(await ask("run_sql", asked))
    assert (len(answer["rows"]), answer["truncated"]) == (25, False)


async def test_too_many_bytes_are_cut_and_said(ask: Ask) -> None:
    asked = {"sql": "SELECT * FROM order_lines", "max_rows": 1000}
    answer = content(await ask("run_sql", asked, most_bytes=10_000))
    assert answer["truncated"] is True
    assert 0 < len(json.dumps(answer["rows"])) < 10_000


async def test_a_row_that_is_too_long_is_refused(ask: Ask) -> None:
    sql = "SELECT string_agg(product_name, ',') FROM products"
    code, text = fault(await ask("run_sql", {"sql": sql}))
    assert code == "invalid"
    assert "row" in text


async def test_an_expensive_query_is_refused_before_it_runs(ask: Ask) -> None:
    started = time.monotonic()
    sql = "SELECT count(*) FROM order_lines a, order_lines b, order_lines c"
    code, text = fault(await ask("run_sql", {"sql": sql}))
    assert code == "invalid"
    assert "cost" in text
    assert time.monotonic() - started < SOON


async def test_a_slow_query_is_stopped(ask: Ask) -> None:
    sql = "SELECT count(*) FROM order_lines a, order_lines b WHERE a.revenue < b.revenue"
    asked = ask("run_sql", {"sql": sql}, most_cost=1e15, statement_seconds=0.3, deadline_seconds=30)
    started = time.monotonic()
    code, text = fault(await asked)
    assert code == "invalid"
    assert "too long" in text
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("SELECT revenue / 0 FROM orders", "22012"),
        ("SELECT region::integer FROM accounts", "22P02"),
        ("SELECT no_such_column FROM orders", "42703"),
        ("SELECT region, sum(revenue) FROM orders", "42803"),
        ("SELECT sum(region) FROM orders", "42883"),
        ("SELECT o.region FROM orders", "42P01"),
    ],
)
async def test_an_error_is_told_in_our_words_not_the_databases(
    ask: Ask, sql: str, state: str
) -> None:
    code, text = fault(await ask("run_sql", {"sql": sql}))
    assert code == "invalid"
    assert state in text
    assert "no_such_column" not in text
    assert "AFRICA" not in text


@pytest_asyncio.fixture
async def planted_admin(planted_warehouse: Loaded) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(planted_warehouse.admin_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.id)
async def test_guard_and_database_together(
    ask: Ask, planted_warehouse: Loaded, planted_admin: asyncpg.Connection, attack: Attack
) -> None:
    before = await state(planted_admin)
    started = time.monotonic()
    result = await ask(
        "run_sql", {"sql": attack.sql, "max_rows": 1000}, groups=("region-europe",),
        database_url=planted_warehouse.ro_url, statement_seconds=1.5, deadline_seconds=2,
    )  # fmt: skip
    assert time.monotonic() - started < SOON
    if attack.expect == "answered":
        assert content(result)["rows"]
    elif attack.expect == "refused":
        assert fault(result)[0] == "invalid"
    elif not result.is_error:
        assert len(content(result)["rows"]) <= 1000
    assert FOREIGN not in result.model_dump_json()
    assert await state(planted_admin) == before


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda a: a.id)
async def test_the_server_without_its_parser(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection, attack: Attack
) -> None:
    """As if the guard had let everything through: the rest of the server holds."""
    before = await state(planted_admin)
    settings = Settings(
        database_url=planted_warehouse.ro_url, connections=1, statement_seconds=1.5,
        deadline_seconds=2,
    )  # fmt: skip
    said = ""
    async with reading(settings) as reader:
        started = time.monotonic()
        try:
            said = str((await reader.select(unguarded(attack.sql), 1000, EUROPE)).rows)
        except Fault as refused:
            said = str(refused)
        assert time.monotonic() - started < SOON
        left = await reader.select(
            unguarded("SELECT one FROM unnest(watch.session()) AS one"), 1000, EUROPE
        )
    held = {str(one).partition("=")[0] for (one,) in left.rows}
    assert {one for one in held if not one.startswith("prepared __asyncpg_stmt")} <= OURS
    assert FOREIGN not in said
    assert await state(planted_admin) == before


async def test_a_text_of_everything_is_refused_by_its_plan(ask: Ask) -> None:
    """PostgreSQL would build a quarter of a gigabyte, beyond its own limit of time."""
    started = time.monotonic()
    sql = "SELECT length(string_agg(a.product_name || b.product_name, ',')) FROM products a, products b"
    code, text = fault(await ask("run_sql", {"sql": sql}))
    assert code == "invalid"
    assert "texts of more rows" in text
    assert time.monotonic() - started < SOON
    small = "SELECT string_agg(DISTINCT segment, ',') FROM order_lines"
    assert content(await ask("run_sql", {"sql": small}))["rows"]


async def test_sql_that_is_too_long_is_refused_as_an_argument(ask: Ask) -> None:
    result = await ask("run_sql", {"sql": "SELECT " + "1," * 10_000 + "1"})
    assert result.is_error
    assert "$.sql: too long" in result.content[0].text


async def test_with_the_database_down_it_says_so(ask: Ask) -> None:
    url = f"postgresql://wh_ro:x@127.0.0.1:{free_port()}/warehouse"
    code, _ = fault(await ask("run_sql", {"sql": "SELECT 1 AS one"}, database_url=url))
    assert code == "unavailable"


async def test_a_query_that_switched_its_limit_off_still_ends(warehouse: Loaded) -> None:
    """The watchdog, with the guard and the database's own limit out of the way."""
    settings = Settings(
        database_url=warehouse.ro_url, most_cost=1e15, connections=1,
        statement_seconds=30, deadline_seconds=0.5,
    )  # fmt: skip
    slow = (
        "SELECT count(*) FROM sales.order_lines a, sales.order_lines b WHERE a.revenue < b.revenue"
    )
    async with reading(settings) as reader:
        started = time.monotonic()
        with pytest.raises(Fault, match="too long"):
            await reader.select(unguarded(slow), 10, EUROPE)
        assert time.monotonic() - started < SOON
        answer = await reader.select(unguarded("SELECT 1 AS one"), 10, EUROPE)
        assert answer.rows == [[1]]
    admin = await asyncpg.connect(warehouse.admin_url)
    running = await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'wh_ro' AND state = 'active'"
    )
    await admin.close()
    assert running == 0


async def test_nothing_of_one_caller_is_left_for_the_next(warehouse: Loaded) -> None:
    """One connection for two people; the first one's SQL got past the guard."""
    settings = Settings(database_url=warehouse.ro_url, connections=1)
    async with reading(settings) as reader:
        for sql in (
            "SELECT 1) AS a; LISTEN x; --",
            "SELECT set_config('work_mem', '1GB', false) AS a",
            "SELECT nation FROM sales.orders",
        ):
            with contextlib.suppress(Fault):
                await reader.select(unguarded(sql), 10, regions_of(["region-all"]))
        answer = await reader.select(
            unguarded(
                "SELECT current_setting('app.regions') AS a, current_setting('work_mem') AS b,"
                " (SELECT string_agg(DISTINCT region, ',') FROM sales.orders) AS c"
            ),
            10,
            EUROPE,
        )
    assert answer.rows == [["EUROPE", "32MB", "EUROPE"]]


async def test_when_the_connections_for_sql_are_taken_the_next_caller_hears_it_and_figures_go_on(
    warehouse: Loaded,
) -> None:
    settings = Settings(
        database_url=warehouse.ro_url, connections=1, acquire_seconds=0.2, most_cost=1e15,
        statement_seconds=2, deadline_seconds=20,
    )  # fmt: skip
    slow = (
        "SELECT count(*) FROM sales.order_lines a, sales.order_lines b WHERE a.revenue < b.revenue"
    )
    async with reading(settings) as reader:
        first = asyncio.create_task(reader.select(unguarded(slow), 10, EUROPE))
        await asyncio.sleep(0.1)
        with pytest.raises(Unavailable, match="busy"):
            await reader.select(unguarded("SELECT 1 AS one"), 10, EUROPE)
        assert await reader.as_of(), "figures have connections of their own"
        assert not first.done()
        with pytest.raises(Fault):
            await first
        assert (await reader.select(unguarded("SELECT 1 AS one"), 10, EUROPE)).rows == [[1]]


async def test_a_caller_who_leaves_takes_the_query_along(warehouse: Loaded) -> None:
    settings = Settings(
        database_url=warehouse.ro_url, connections=1, most_cost=1e15, statement_seconds=30,
        deadline_seconds=30,
    )  # fmt: skip
    slow = (
        "SELECT count(*) FROM sales.order_lines a, sales.order_lines b WHERE a.revenue < b.revenue"
    )
    async with reading(settings) as reader:
        task = asyncio.create_task(reader.select(unguarded(slow), 10, EUROPE))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        started = time.monotonic()
        assert (await reader.select(unguarded("SELECT 1 AS one"), 10, EUROPE)).rows == [[1]]
        assert time.monotonic() - started < SOON
