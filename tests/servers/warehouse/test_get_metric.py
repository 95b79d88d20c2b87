import asyncpg
import pytest
from postgres.loaded import Loaded
from servers.warehouse.answers import content, fault
from servers.warehouse.conftest import Ask

from mcp_local.ports import free_port
from mcp_warehouse.metrics import LAYER

EVERY_QUESTION = [
    (name, group) for name, metric in LAYER.metrics.items() for group in metric.breakdowns
]


async def test_revenue_is_the_sum_of_the_orders_of_the_period(ask: Ask, warehouse: Loaded) -> None:
    answer = content(await ask("get_metric", {"metric": "revenue"}))
    admin = await asyncpg.connect(warehouse.admin_url)
    found = await admin.fetchrow(
        "SELECT sum(revenue), count(*) FROM sales.orders, sales.as_of WHERE order_date > as_of - 90"
    )
    await admin.close()
    assert found
    revenue, orders = found
    (row,) = answer["rows"]
    assert row["value"] == float(revenue)
    assert row["basis"] == orders
    assert row["previous"] is None
    assert answer["period"]["days"] == 90
    assert answer["compared_with"] is None


@pytest.mark.parametrize(("metric", "group"), EVERY_QUESTION)
async def test_every_metric_answers_in_every_breakdown(ask: Ask, metric: str, group: str) -> None:
    asked = {"metric": metric, "group_by": group, "period": "last_12_months", "limit": 50}
    answer = content(await ask("get_metric", asked))
    assert answer["rows"]
    assert answer["group_by"] == group
    assert all(row["label"] for row in answer["rows"])
    assert all(
        (row["id"] is not None) == (group in {"account", "supplier"}) for row in answer["rows"]
    )


async def test_which_of_our_largest_accounts_lost_revenue(ask: Ask) -> None:
    """The same on every day: 90 days count back from the newest order, which moves with the load."""
    answer = content(await ask("get_metric", {"metric": "accounts_losing_revenue", "limit": 5}))
    first = answer["rows"][0]
    assert answer["compared_with"]["days"] == answer["period"]["days"] == 90
    assert all(row["change"] < 0 for row in answer["rows"])
    assert [row["change"] for row in answer["rows"]] == sorted(r["change"] for r in answer["rows"])
    assert first["label"] == f"Customer#{first['id']:09}"
    assert {row["id"] for row in answer["rows"]} >= {986, 1141}
    assert answer["more"]


async def test_the_largest_accounts_come_with_their_change(ask: Ask) -> None:
    asked = {"metric": "accounts_by_revenue", "compare_with": "previous_period", "limit": 20}
    rows = content(await ask("get_metric", asked))["rows"]
    assert len(rows) == 20
    assert rows[0]["id"] == 1243
    sizes = [row["last_12_months"] for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert any(row["change"] < 0 for row in rows)
    assert any(row["change"] > 0 for row in rows)


async def test_a_person_of_one_region_gets_that_region_alone(ask: Ask) -> None:
    asked = {"metric": "revenue", "group_by": "region"}
    answer = content(await ask("get_metric", asked, groups=("sales", "region-europe")))
    assert [row["label"] for row in answer["rows"]] == ["EUROPE"]
    assert answer["regions"] == ["EUROPE"]


async def test_regions_add_up(ask: Ask) -> None:
    asked = {"metric": "revenue", "group_by": "region"}
    groups = ("region-europe", "region-middle-east")
    labels = {r["label"] for r in content(await ask("get_metric", asked, groups=groups))["rows"]}
    assert labels == {"EUROPE", "MIDDLE EAST"}


async def test_a_region_that_is_not_yours_is_denied_with_the_group_to_ask_for(ask: Ask) -> None:
    asked = {"metric": "revenue", "region": "MIDDLE EAST"}
    code, text = fault(await ask("get_metric", asked, groups=("region-europe",)))
    assert code == "denied"
    assert "region-middle-east" in text


@pytest.mark.parametrize("groups", [(), ("analyst",), ("region-atlantis",), ("REGION-ALL",)])
async def test_without_a_region_group_it_says_which_to_ask_for(
    ask: Ask, groups: tuple[str, ...]
) -> None:
    code, text = fault(await ask("get_metric", {"metric": "revenue"}, groups=groups))
    assert code == "denied"
    assert "region-all" in text


async def test_filters_narrow_the_figure(ask: Ask) -> None:
    whole = content(await ask("get_metric", {"metric": "orders", "period": "last_12_months"}))
    asked = {
        "metric": "orders", "period": "last_12_months", "nation": "france", "segment": "BUILDING",
    }  # fmt: skip
    part = content(await ask("get_metric", asked))
    assert 0 < part["rows"][0]["value"] < whole["rows"][0]["value"]


async def test_a_nation_without_orders_gives_no_rows(ask: Ask) -> None:
    asked = {"metric": "revenue", "nation": "CHINA", "region": "EUROPE"}
    assert content(await ask("get_metric", asked))["rows"] == []


async def test_an_unknown_nation_gets_the_nearest_names(ask: Ask) -> None:
    code, text = fault(await ask("get_metric", {"metric": "revenue", "nation": "Germny"}))
    assert code == "not_found"
    assert "GERMANY" in text


async def test_a_breakdown_that_does_not_fit_gets_those_that_do(ask: Ask) -> None:
    asked = {"metric": "supplier_performance", "group_by": "segment"}
    code, text = fault(await ask("get_metric", asked))
    assert code == "invalid"
    assert "supplier" in text


async def test_months_are_not_compared(ask: Ask) -> None:
    asked = {"metric": "revenue", "group_by": "month", "compare_with": "previous_period"}
    code, _ = fault(await ask("get_metric", asked))
    assert code == "invalid"


async def test_months_come_in_their_order(ask: Ask) -> None:
    asked = {"metric": "revenue", "group_by": "month", "period": "last_12_months", "limit": 50}
    labels = [row["label"] for row in content(await ask("get_metric", asked))["rows"]]
    assert labels == sorted(labels)
    assert 12 <= len(labels) <= 13


async def test_all_bad_arguments_are_named_at_once(ask: Ask) -> None:
    result = await ask("get_metric", {"metric": "revenu", "limit": 51, "period": "yesterday"})
    text = result.content[0].text
    assert result.is_error
    assert "Did you mean 'revenue'?" in text
    assert "$.limit: too large" in text
    assert "last_90_days" in text


async def test_the_answer_is_cut_at_the_limit_and_says_so(ask: Ask) -> None:
    asked = {"metric": "revenue", "group_by": "nation", "limit": 3}
    answer = content(await ask("get_metric", asked))
    assert len(answer["rows"]) == 3
    assert answer["more"]


async def test_with_the_database_down_it_says_so(ask: Ask) -> None:
    url = f"postgresql://wh_ro:x@127.0.0.1:{free_port()}/warehouse"
    code, _ = fault(await ask("get_metric", {"metric": "revenue"}, database_url=url))
    assert code == "unavailable"


async def test_with_a_wrong_password_it_is_unavailable_and_tells_no_more(
    ask: Ask, warehouse: Loaded
) -> None:
    host = warehouse.ro_url.split("@")[1]
    url = f"postgresql://wh_ro:wrong@{host}"
    code, text = fault(await ask("get_metric", {"metric": "revenue"}, database_url=url))
    assert code == "unavailable"
    assert "wh_ro" not in text


async def test_an_empty_database_is_unavailable_not_empty(
    ask: Ask, warehouse: Loaded, database: str
) -> None:
    url = warehouse.ro_url.rsplit("/", 1)[0] + "/" + database.rsplit("/", 1)[1]
    code, _ = fault(await ask("get_metric", {"metric": "revenue"}, database_url=url))
    assert code == "unavailable"
