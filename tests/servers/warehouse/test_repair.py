"""SQL that a model got wrong, as models do: the refusal holds what mends it, and nothing of data."""

import contextlib
import re

import pytest
from servers.warehouse.answers import content, fault
from servers.warehouse.conftest import Ask

from mcp_warehouse import repair
from mcp_warehouse.guard import Refused, admit

# what was sent, what the answer must say, and the same question mended with its help
MENDED = [
    (
        "SELECT revenu FROM orders LIMIT 1",
        "Did you mean revenue of orders?",
        "SELECT revenue FROM orders LIMIT 1",
    ),
    (
        "SELECT o.acount_name FROM sales.orders o LIMIT 1",
        "Did you mean account_name of orders?",
        "SELECT o.account_name FROM sales.orders o LIMIT 1",
    ),
    (
        "SELECT status FROM orders LIMIT 1",
        "Did you mean order_status of orders?",
        "SELECT order_status FROM orders LIMIT 1",
    ),
    (
        "SELECT amount FROM orders LIMIT 1",
        "lines, revenue.",
        "SELECT revenue FROM orders LIMIT 1",
    ),
    (
        "SELECT count(*) FROM order",
        "Did you mean sales.orders?",
        "SELECT count(*) FROM orders",
    ),
    (
        "SELECT count(*) FROM customers",
        "accounts, as_of",
        "SELECT count(*) FROM accounts",
    ),
    (
        "SELECT count(*) FROM order_line",
        "Did you mean sales.order_lines?",
        "SELECT count(*) FROM order_lines",
    ),
    (
        "SELECT array_agg(region) FROM regions",
        "Use string_agg",
        "SELECT string_agg(region, ',') FROM regions",
    ),
    (
        "SELECT json_agg(region) FROM regions",
        "Use string_agg",
        "SELECT string_agg(region, ',') FROM regions",
    ),
    (
        "SELECT count(*) FROM accounts WHERE account_name ~ '^Cust'",
        "Use LIKE",
        "SELECT count(*) FROM accounts WHERE account_name LIKE 'Cust%'",
    ),
    (
        "SELECT date_trunk('month', order_date) FROM orders LIMIT 1",
        "Did you mean date_trunc?",
        "SELECT date_trunc('month', order_date) FROM orders LIMIT 1",
    ),
    (
        "SELECT median(revenue) FROM orders",
        "percentile_cont(0.5)",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY revenue) FROM orders",
    ),
    (
        "SELECT datediff('day', order_date, current_date) FROM orders LIMIT 1",
        "Subtract two dates",
        "SELECT current_date - order_date FROM orders LIMIT 1",
    ),
    (
        "SELECT to_date('2026-01-31', 'YYYY-MM-DD') AS day",
        "Write DATE '2026-01-31'",
        "SELECT DATE '2026-01-31' AS day",
    ),
    (
        "SELECT region, sum(revenue) FROM orders",
        "Add region to GROUP BY",
        "SELECT region, sum(revenue) FROM orders GROUP BY region",
    ),
    (
        "SELECT account_id FROM orders JOIN accounts USING (nation) LIMIT 1",
        "account_id is in accounts and orders",
        "SELECT orders.account_id FROM orders JOIN accounts USING (nation) LIMIT 1",
    ),
    (
        "SELECT count(*) FROM orders WHERE account_id = account_name",
        "account_id integer, account_name text",
        "SELECT count(*) FROM orders WHERE account_id = 1",
    ),
    (
        "SELECT sum(region) FROM orders",
        "region text",
        "SELECT sum(revenue) FROM orders",
    ),
    (
        "SELECT count(*) FROM orders WHERE account_id = 'Larkfield'",
        "account_id integer",
        "SELECT count(*) FROM orders WHERE account_name = 'Larkfield'",
    ),
    (
        "SELECT count(*) FROM orders WHERE order_date > 'January'",
        "Write DATE '2026-01-31'",
        "SELECT count(*) FROM orders WHERE order_date > DATE '2026-01-31'",
    ),
    (
        "SELECT orders.region FROM orders o LIMIT 1",
        "the alias FROM gives it",
        "SELECT o.region FROM orders o LIMIT 1",
    ),
    (
        "SELECT rank() FROM orders",
        "Ranks need OVER",
        "SELECT rank() OVER (ORDER BY order_date) FROM orders LIMIT 1",
    ),
    (
        "SELECT region FROM regions WHERE row_number() OVER (ORDER BY region) = 1",
        "Compute it in a WITH query",
        ("WITH r AS (SELECT region, row_number() OVER (ORDER BY region) AS n FROM regions)"
        " SELECT region FROM r WHERE n = 1"),
    ),
    (
        "SELECT count(*) FROM orders WHERE nation = (SELECT nation FROM nations)",
        "Aggregate it, or use IN",
        "SELECT count(*) FROM orders WHERE nation IN (SELECT nation FROM nations)",
    ),
    (
        "SELECT region FROM regions FOR UPDATE",
        "Leave out FOR UPDATE",
        "SELECT region FROM regions",
    ),
    (
        "SELECT a.region, b.region FROM regions a, regions a LIMIT 1",
        "its own alias",
        "SELECT a.region, b.region FROM regions a, regions b LIMIT 1",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "said", "mended"), MENDED, ids=[one[0][:50] for one in MENDED])
async def test_the_refusal_holds_what_mends_it(ask: Ask, sql: str, said: str, mended: str) -> None:
    code, text = fault(await ask("run_sql", {"sql": sql}))
    assert code == "invalid"
    assert said in text
    assert content(await ask("run_sql", {"sql": mended}))["rows"]


CANARY = "zq7secretzq7"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {CANARY} FROM orders",
        f'SELECT "{CANARY}" FROM orders',
        f"SELECT o.{CANARY} FROM orders o",
        f"SELECT {CANARY}(1) FROM orders",
        f"SELECT 1 FROM {CANARY}",
        f"SELECT 1 FROM orders WHERE region = {CANARY}.region",
        f"SELECT '{CANARY}'::integer AS one",
        f"SELECT ('{CANARY}' || region)::integer FROM regions",
        f"SELECT ('{CANARY}' || region)::date FROM regions",
        f"SELECT region, '{CANARY}' FROM orders GROUP BY '{CANARY}'",
        f"SELECT 1 FROM orders WHERE {CANARY} ==== 1",
        f"SELECT sum('{CANARY}') FROM orders",
    ],
)
async def test_a_refusal_repeats_neither_the_sql_nor_a_value(ask: Ask, sql: str) -> None:
    _, text = fault(await ask("run_sql", {"sql": sql}))
    assert CANARY not in text
    assert not re.search("AFRICA|AMERICA|ASIA|EUROPE", text)


@pytest.mark.parametrize("name", repair.FUNCTIONS)
def test_every_function_that_is_suggested_is_admitted(name: str) -> None:
    tables = frozenset({"orders"})
    forms = [
        f"{name}()", f"{name}(revenue)", f"{name}(1, 2)", f"{name}(year FROM order_date)",
        f"{name}(0.5) WITHIN GROUP (ORDER BY revenue)", f"{name}() WITHIN GROUP (ORDER BY nation)",
    ]  # fmt: skip
    admitted = 0
    for form in forms:
        with contextlib.suppress(Refused):
            admitted += bool(admit(f"SELECT {form} FROM orders", tables))
    assert admitted


def test_a_word_is_read_where_the_error_points() -> None:
    text = 'SELECT o."Region", revenu FROM orders o'
    assert repair.word_at(text, "8") == "Region"
    assert repair.word_at(text, "20") == "revenu"
    assert repair.word_at(text, None) == repair.word_at(text, "900") == ""


def test_a_word_far_from_all_suggests_none() -> None:
    assert repair.alike("xyz", ["region", "revenue"]) == ""
    assert "Did you mean" not in repair.table("xyz", {"orders"})
