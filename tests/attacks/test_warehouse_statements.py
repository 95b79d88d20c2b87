"""W01, W02, W03, W04, W05: more than one SELECT, or a SELECT that is none, however it is written."""

import asyncio

import asyncpg
from attacks.warehouse import alone, contained, governed_attack
from house.house import House
from people import Issuer
from postgres.attacks import of
from postgres.loaded import Loaded
from postgres.planted import FOREIGN, state
from postgres.served import SLOW, Served, served

SYNTAX, READ_ONLY, FORBIDDEN = "42601", "25006", "42501"


async def test_W01_several_statements_never_reach_the_database(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W01")
    assert "One statement at a time" in answers["two_statements"].text
    assert "One statement at a time" in answers["commit_first"].text


async def test_W01_the_extended_protocol_takes_one_statement(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    answers = await alone(planted_warehouse, planted_admin, "W01")
    single = {"set_transaction", "empty_statements_first"}
    assert {one.why for name, one in answers.items() if name not in single} == {SYNTAX}
    assert answers["empty_statements_first"].why == READ_ONLY


async def test_W01_through_the_gateway_each_is_one_refusal_on_the_record(
    warehouse_behind: House, planted_admin: asyncpg.Connection
) -> None:
    before = await state(planted_admin)
    for attack in of("W01"):
        await warehouse_behind.begin()
        outcome, whole = await governed_attack(warehouse_behind, attack)
        assert (outcome["status"], outcome["reason"]) == ("tool_error", "invalid"), attack.id
        assert FOREIGN not in whole
        assert len(await warehouse_behind.records(kind="intent")) == 1
    assert await state(planted_admin) == before


async def test_W02_what_only_looks_like_a_select_is_refused(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W02")
    assert all(answer.failed for answer in answers.values())


async def test_W02_the_database_alone_lets_none_of_it_change_a_thing(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    answers = await alone(planted_warehouse, planted_admin, "W02")
    assert not answers["select_into"].ran
    assert not answers["explain_analyze_delete"].ran
    assert answers["function_of_the_schema"].why == FORBIDDEN
    assert answers["aggregate_that_writes"].why == FORBIDDEN
    assert answers["operator_that_writes"].why == FORBIDDEN


async def test_W03_a_cte_that_writes_is_refused(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W03")
    assert all(answer.failed for answer in answers.values())


async def test_W03_read_only_and_the_rights_refuse_it_too(
    planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    answers = await alone(planted_warehouse, planted_admin, "W03")
    assert {one.why for one in answers.values()} <= {READ_ONLY, FORBIDDEN, SYNTAX, "0A000"}


async def test_W04_what_two_parsers_read_differently_does_not_run(
    warehouse_server: Served, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W04")
    ran = {name for name, answer in answers.items() if not answer.failed}
    assert ran <= {"nested_comment", "comment_that_elsewhere_runs", "quote_in_a_name"}


async def test_W04_only_regenerated_text_without_comments_is_sent(
    warehouse_issuer: Issuer, planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    """The database shows what it was sent: the person's spelling and comments are not in it."""
    commented = SLOW.replace("SELECT", "Select /* zq7comment */").replace("WHERE", "-- zq7\nwhere")
    async with served(
        warehouse_issuer, planted_warehouse, most_cost=1e15, statement_seconds=1
    ) as server:
        call = asyncio.create_task(server.ask("ben", commented))
        sent = None
        while sent is None and not call.done():
            sent = await planted_admin.fetchval(
                "SELECT query FROM pg_stat_activity WHERE usename = 'wh_ro' AND state <> 'idle'"
                " AND datname = current_database() AND query LIKE '%order_lines%'"
            )
        assert (await call).failed
    assert sent is not None
    assert 'FROM sales."order_lines" AS a' in sent
    assert "zq7" not in sent


async def test_W05_copy_is_refused_by_both(
    warehouse_server: Served, planted_warehouse: Loaded, planted_admin: asyncpg.Connection
) -> None:
    answers = await contained(warehouse_server, planted_admin, "W05")
    assert all("Only SELECT can run here" in answer.text for answer in answers.values())
    found = await alone(planted_warehouse, planted_admin, "W05")
    assert found["copy_to_program"].why == FORBIDDEN
    assert found["copy_from_program"].why in {FORBIDDEN, READ_ONLY}
    assert found["copy_to_file"].why == FORBIDDEN
