"""The guard alone, without a database behind it."""

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres.attacks import ATTACKS, Attack
from postgres.layers import TABLES

from mcp_warehouse.guard import MAX_CHARACTERS, Refused, admit

REFUSED = [a for a in ATTACKS if a.expect == "refused"]
ADMITTED = [a for a in ATTACKS if a.expect != "refused"]


def refused(sql: str) -> str:
    with pytest.raises(Refused) as error:
        admit(sql, TABLES)
    assert error.value.instead
    return error.value.reason


@pytest.mark.parametrize("attack", REFUSED, ids=lambda a: a.id)
def test_an_attack_never_reaches_the_database(attack: Attack) -> None:
    refused(attack.sql)


@pytest.mark.parametrize("attack", ADMITTED, ids=lambda a: a.id)
def test_what_is_ordinary_or_bounded_elsewhere_passes(attack: Attack) -> None:
    again = admit(attack.sql, TABLES)
    assert admit(again.text, TABLES).text == again.text
    bare = re.sub(r'"(""|[^"])*"', "", again.text)
    assert "--" not in bare
    assert "/*" not in bare


@pytest.mark.parametrize(
    ("sql", "text", "tables"),
    [
        ("SELECT 1 FROM orders", 'SELECT 1 FROM sales."orders"', {"orders"}),
        ("SELECT 1 FROM SALES.Orders o;", 'SELECT 1 FROM sales."orders" AS o', {"orders"}),
        ("TABLE orders", 'SELECT * FROM sales."orders"', {"orders"}),
        (
            "WITH orders AS (SELECT 1) SELECT * FROM orders",
            "WITH orders AS (SELECT 1) SELECT * FROM orders",
            set(),
        ),
        (
            "WITH x AS (SELECT 1 FROM orders), orders AS (SELECT 2) SELECT * FROM x, orders",
            'WITH x AS (SELECT 1 FROM sales."orders"), orders AS (SELECT 2) SELECT * FROM x, orders',
            {"orders"},
        ),
        ("SELECT 1 -- DROP TABLE x", "SELECT 1", set()),
        ("SELECT 'a' /* b */ 'c'", "SELECT CONCAT('a', 'c')", set()),
        ("SELECT substring('ab', 1, 2)", "SELECT SUBSTRING('ab' FROM 1 FOR 2)", set()),
        # with a text in its place it would be a regular expression
        (
            "SELECT substring('ab' FROM '(a*)*b' FOR 'x')",
            "SELECT SUBSTRING('ab' FROM CAST('(a*)*b' AS INT) FOR CAST('x' AS INT))",
            set(),
        ),
    ],
)
def test_only_the_regenerated_text_is_handed_on(sql: str, text: str, tables: set[str]) -> None:
    admitted = admit(sql, TABLES)
    assert admitted.text == text
    assert admitted.tables == frozenset(tables)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("", "statements"),
        (";", "statements"),
        ("SELECT 'open", "syntax"),
        ("SELECT FROM WHERE (", "syntax"),
        ("SELECT 1\0", "size"),
        ("SELECT " + "1," * MAX_CHARACTERS + "1", "size"),
        ("SELECT " + "1," * 2_000 + "1", "size"),
        ("SELECT " + "(" * 26 + "1" + ")" * 26, "depth"),
        ("SELECT " + "(" * 4_000 + "1" + ")" * 4_000, "depth"),
        ("SELECT " + "NOT " * 2_000 + "true", "depth"),
        ("SELECT " + "- " * 2_000 + "1", "depth"),
        ("SELECT a" + "[1]" * 30, "size"),
        ("SELECT 1" + "::int" * 200, "size"),
        ("SELECT 'x'::sales.orders", "cast"),
        ("SELECT 1::text[]", "cast"),
        ("SELECT 1 FROM orders" + " JOIN orders USING (order_id)" * 20, "tables"),
        (f"SELECT '{'x' * 1001}'", "literal"),
        ('SELECT * FROM "Orders"', "table"),
        ("SELECT * FROM other.sales.orders", "table"),
        ("SELECT * FROM ONLY sales.orders", "table"),
        ("SELECT * FROM sales.orders TABLESAMPLE SYSTEM (1)", "table"),
        ("SELECT * FROM upper('x')", "table"),
        ("SELECT * FROM LATERAL upper('x') AS u", "node"),
        ("SELECT * FROM \u017fales.orders", "table"),
        ("SELECT $1", "node"),
        ("SELECT o.xmin FROM orders o", "column"),
        ('SELECT "o"."jsonb_agg" FROM orders o', "column"),
        ("SELECT t.to_json FROM (SELECT 1 AS a) t", "column"),
        ("SELECT 'a'::char(10485760)", "cast"),
        ("SELECT region::varchar(1001) FROM orders", "cast"),
        (
            "SELECT string_agg(t, '') FROM (SELECT string_agg(region, '') AS t FROM orders) a",
            "growth",
        ),
        ("SELECT string_agg(concat(region, 1, 2, 3, 4, 5, 6, 7), '') FROM orders", "growth"),
        ("SELECT " + " || ".join(["region"] * 16) + " FROM orders", "growth"),
        ("SELECT array_agg(region) FROM orders", "function:array_agg"),
    ],
)
def test_it_says_which_rule_was_broken(sql: str, reason: str) -> None:
    assert refused(sql) == reason


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + " || ', ' || ".join(["region"] * 8) + " FROM orders",
        "SELECT string_agg(nation || ' (' || region || ')', ', '), string_agg(region, '') FROM orders",
        "SELECT region::varchar(20), revenue::numeric(12, 2), order_date::timestamp(0) FROM orders",
        "SELECT substring(region FROM length(region) - 1) FROM orders",
        "SELECT o.count, o.max FROM (SELECT region, count(*), max(revenue) FROM orders GROUP BY 1) o",
    ],
)
def test_ordinary_texts_and_names_pass(sql: str) -> None:
    admit(sql, TABLES)


def test_a_refusal_does_not_repeat_the_sql() -> None:
    with pytest.raises(Refused) as error:
        admit("SELECT secret_function('my password') FROM tpch.hidden", TABLES)
    assert "secret" not in str(error.value)
    assert "hidden" not in str(error.value)


def test_nothing_of_the_sql_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    refused("EXPLAIN ANALYZE DELETE FROM secret")
    assert caplog.records == []


FRAGMENTS = [
    "SELECT", "FROM", "WHERE", "sales.orders", "pg_roles", "(", ")", ",", ";", "*", "1", "'x'", "$$",
    "--", "/*", "*/", "WITH", "AS", "a", "UNION", "DELETE", "INTO", "set_config('a','b',true)",
    "lo_creat(-1)", "LATERAL", "JOIN", "ON", "true", "CASE", "WHEN", "THEN", "END", "::", "regclass",
    "[", "]", "E'\\''", "U&'x'", '"', "GROUP BY", "ORDER BY", "OVER", "NOT", "-", "||", "IN",
    "EXISTS", "ARRAY", "INTERVAL", "OPERATOR(pg_catalog.+)", "FOR UPDATE", "ROW", "VALUES",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(" ".join))
def test_it_always_decides_and_what_it_admits_is_one_plain_select(sql: str) -> None:
    try:
        text = admit(sql, TABLES).text
    except Refused:
        return
    for forbidden in ("DELETE", "INTO", "SET_CONFIG", "LO_CREAT", "PG_ROLES ", "REGCLASS", ";"):
        assert forbidden not in text.upper().replace("'X'", "")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "a[1]," * 20 + "1",
        "SELECT " + "1+" * 1_200 + "1",
        "SELECT 1 WHERE " + "a AND " * 1_200 + "a",
        "SELECT a IN (" + "1," * 1_200 + "1)",
        "SELECT 1 " + "UNION SELECT 1 " * 800,
        "SELECT 1 FROM orders" + " JOIN orders ON true" * 600,
        "SELECT " + "CASE WHEN a THEN " * 24 + "1" + " END" * 24,
        "SELECT * FROM " + "(SELECT * FROM " * 24 + "orders" + ") a" * 24,
        "SELECT " + "((" * 12 + "1" + ")" * 24,
        "SELECT " + "a IN (SELECT " * 20 + "1" + ")" * 20,
        "SELECT " + "f(" * 24 + ")" * 24,
        "SELECT a" + " AT TIME ZONE 'x'" * 600,
        "SELECT " + "a || " * 1_200 + "a",
        "SELECT 1" + "::int" * 100,
        "SELECT " + "'a' " * 2_000,
        "SELECT " + "JOIN CAST " * 100,
        "SELECT a FROM b " + "JOIN c " * 100,
        "SELECT " + "[" * 20 + "1" + "]" * 20,
        "SELECT " + "ARRAY[" * 20 + "1" + "]" * 20,
        "SELECT " + "INTERVAL " * 2_000 + "'1'",
        "SELECT " + "CAST(" * 24 + "1" + " AS int)" * 24,
        "WITH " + ", ".join(f"c{i} AS (SELECT 1)" for i in range(250)) + " SELECT 1",
    ],
    ids=lambda sql: sql[:24],
)
def test_deciding_takes_a_moment_whatever_the_sql(sql: str) -> None:
    """From some of these the bare parser does not come back."""
    started = time.process_time()
    with contextlib.suppress(Refused):
        admit(sql, TABLES)
    assert time.process_time() - started < 1
