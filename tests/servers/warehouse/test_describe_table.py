import pytest
from servers.warehouse.answers import content, fault
from servers.warehouse.conftest import Ask

from mcp_local.ports import free_port


@pytest.mark.parametrize("name", ["sales.orders", "orders", " Sales.Orders "])
async def test_it_names_columns_types_and_meanings(ask: Ask, name: str) -> None:
    answer = content(await ask("describe_table", {"table": name}))
    columns = {one["column"]: one for one in answer["columns"]}
    assert answer["table"] == "sales.orders"
    assert columns["order_date"]["type"] == "date"
    assert "before tax" in columns["revenue"]["description"]
    assert next(iter(columns)) == "order_id"


async def test_an_unknown_table_gets_the_nearest_names(ask: Ask) -> None:
    code, text = fault(await ask("describe_table", {"table": "sales.order"}))
    assert code == "not_found"
    assert "sales.orders" in text


@pytest.mark.parametrize("name", ["tpch.orders", "pg_catalog.pg_roles", "orders; drop", "ordérs"])
async def test_nothing_outside_the_sales_schema_exists(ask: Ask, name: str) -> None:
    code, text = fault(await ask("describe_table", {"table": name}))
    assert code == "not_found"
    assert "tpch" not in text


async def test_a_name_that_is_too_long_is_refused(ask: Ask) -> None:
    result = await ask("describe_table", {"table": "x" * 81})
    assert result.is_error
    assert "too long" in result.content[0].text


async def test_with_the_database_down_it_says_so(ask: Ask) -> None:
    url = f"postgresql://wh_ro:x@127.0.0.1:{free_port()}/warehouse"
    code, _ = fault(await ask("describe_table", {"table": "orders"}, database_url=url))
    assert code == "unavailable"
