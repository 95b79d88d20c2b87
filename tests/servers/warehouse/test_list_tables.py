from servers.warehouse.answers import content, fault
from servers.warehouse.conftest import Ask

from mcp_local.ports import free_port


async def test_it_lists_tables_and_views_with_what_they_are(ask: Ask) -> None:
    answer = content(await ask("list_tables"))
    by_name = {one["table"]: one for one in answer["tables"]}
    assert by_name["sales.orders"]["kind"] == "table"
    assert by_name["sales.revenue_by_nation"]["kind"] == "view"
    assert all(one["description"] for one in answer["tables"])
    assert answer["as_of"]


async def test_it_needs_no_region(ask: Ask) -> None:
    assert content(await ask("list_tables", groups=("support",)))["tables"]


async def test_raw_tpch_tables_are_not_listed(ask: Ask) -> None:
    names = [one["table"] for one in content(await ask("list_tables"))["tables"]]
    assert all(name.startswith("sales.") for name in names)


async def test_an_argument_it_does_not_have_is_refused(ask: Ask) -> None:
    result = await ask("list_tables", {"schema": "tpch"})
    assert result.is_error
    assert "unknown argument" in result.content[0].text


async def test_with_the_database_down_it_says_so(ask: Ask) -> None:
    url = f"postgresql://wh_ro:x@127.0.0.1:{free_port()}/warehouse"
    code, text = fault(await ask("list_tables", database_url=url))
    assert code == "unavailable"
    assert "127.0.0.1" not in text
