"""A result too large for a model: asked for as files, read by address, on another replica, too."""

import base64
import csv
import io
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import pytest_asyncio
from house.asks import error_of, result_of
from house.house import house, ledger_database
from house.jobs import Jobs
from mcp import Client
from mcp.shared.exceptions import MCPError
from people import Issuer
from postgres.loaded import Loaded
from postgres.served import served
from servers.warehouse.answers import content, fault
from servers.warehouse.conftest import Ask

from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey
from mcp_shared.identity import Caller, become
from mcp_shared.serve import definitions
from mcp_warehouse.results.resource import NO_RESULT
from mcp_warehouse.server import build

POLICY = (Path(__file__).parents[3] / "servers/warehouse/policy.yaml").read_text()
ALL_ORDERS = (
    "SELECT order_id, order_date, account_name, region, revenue FROM sales.orders ORDER BY order_id"
)


@pytest_asyncio.fixture
async def orders(warehouse: Loaded) -> list[asyncpg.Record]:
    db = await asyncpg.connect(warehouse.admin_url)
    found = await db.fetch(ALL_ORDERS)
    await db.close()
    return list(found)


async def read(uri: str) -> Any:
    async with Client(build()) as client:
        return (await client.read_resource(uri)).contents[0]


async def test_every_row_is_in_the_files_and_a_sample_in_the_answer(
    ask: Ask, warehouse: Loaded, orders: list[asyncpg.Record]
) -> None:
    asked = {"sql": ALL_ORDERS, "result": "files"}
    result = await ask("run_sql", asked, results_url=warehouse.results_url)
    answer = content(result)
    files = answer["files"]
    assert len(answer["rows"]) == 20
    assert [row[0] for row in answer["rows"]] == [row["order_id"] for row in orders[:20]]
    assert not answer["truncated"]
    assert files["rows"] == len(orders) == 15_000
    assert [(one["column"], one["type"]) for one in files["columns"]] == [
        ("order_id", "integer"), ("order_date", "date"), ("account_name", "text"),
        ("region", "text"), ("revenue", "number"),
    ]  # fmt: skip
    links = [block for block in result.content if block.type == "resource_link"]
    assert [link.uri for link in links if link.mime_type == "text/csv"] == files["csv"]
    assert len(links) == len(files["csv"]) + len(files["parquet"])
    found = []
    for uri in files["csv"]:
        header, *rows = csv.reader(io.StringIO((await read(uri)).text, newline=""))
        assert header == answer["columns"]
        found += rows
    assert [(int(row[0]), row[2]) for row in found] == [
        (r["order_id"], r["account_name"]) for r in orders
    ]
    tables = [
        pq.read_table(io.BytesIO(base64.b64decode((await read(uri)).blob)))
        for uri in files["parquet"]
    ]
    days = [day for table in tables for day in table.column("order_date").to_pylist()]
    assert days == [row["order_date"] for row in orders]


async def test_the_files_have_the_persons_regions_alone(ask: Ask, warehouse: Loaded) -> None:
    asked = {"sql": ALL_ORDERS, "result": "files"}
    groups = ("analyst", "region-europe")
    answer = content(await ask("run_sql", asked, groups=groups, results_url=warehouse.results_url))
    assert answer["regions"] == ["EUROPE"]
    (uri,) = answer["files"]["csv"]
    regions = {row["region"] for row in csv.DictReader(io.StringIO((await read(uri)).text))}
    assert regions == {"EUROPE"}
    become(Caller("another", "ben", "Ben", frozenset(), frozenset({"region-all"}), "test"))
    async with Client(build()) as client:
        with pytest.raises(MCPError, match="no such result"):
            await client.read_resource(uri)


@pytest.mark.parametrize("caps", [{"most_result_rows": 1_000}, {"most_result_bytes": 100_000}])
async def test_a_file_has_its_caps_too_and_says_so(
    ask: Ask, warehouse: Loaded, caps: dict[str, int]
) -> None:
    asked = {"sql": ALL_ORDERS, "result": "files"}
    answer = content(await ask("run_sql", asked, results_url=warehouse.results_url, **caps))
    assert answer["truncated"]
    assert 500 < answer["files"]["rows"] <= 1_000


async def test_files_are_guarded_as_rows_are(ask: Ask, warehouse: Loaded) -> None:
    for sql in ("SELECT * FROM pg_roles", "SELECT * FROM results.part", "DELETE FROM sales.orders"):
        asked = {"sql": sql, "result": "files"}
        code, _ = fault(await ask("run_sql", asked, results_url=warehouse.results_url))
        assert code == "invalid"


async def test_where_nothing_is_kept_rows_are_offered_instead(ask: Ask) -> None:
    code, text = fault(await ask("run_sql", {"sql": ALL_ORDERS, "result": "files"}))
    assert code == "unavailable"
    assert "rows" in text


async def test_rows_are_answered_without_files(ask: Ask, warehouse: Loaded) -> None:
    result = await ask("run_sql", {"sql": ALL_ORDERS}, results_url=warehouse.results_url)
    assert content(result)["files"] is None
    assert [block.type for block in result.content] == ["text"]


async def test_a_long_query_gives_its_files_as_a_task(
    tmp_path: Path, warehouse_issuer: Issuer, warehouse: Loaded, postgres_server: Postgres,
    ledger_template: str, valkey_server: Valkey,
) -> None:  # fmt: skip
    """With the limits of a task for reading, and those of a file for what comes."""
    settings = {
        "tasks_database_url": warehouse.results_url, "results_url": warehouse.results_url,
        "result_deadline_seconds": 0.5, "task_seconds": 40, "most_cost": 1e12, "most_task_cost": 1e12,
    }  # fmt: skip
    sql = (
        "SELECT a.order_id, count(*) AS pairs FROM order_lines a,"
        " (SELECT revenue FROM order_lines LIMIT 600) b WHERE a.revenue < b.revenue GROUP BY 1"
    )
    async with (
        served(warehouse_issuer, warehouse, **settings) as server,
        ledger_database(postgres_server.url(), ledger_template) as ledger,
        house(
            tmp_path / "house", server.issuer, ledger, valkey_server.url, server.counted,
            policies={"warehouse": POLICY}, locks={"warehouse": await definitions(build())}, migrated=True,
        ) as home,
    ):  # fmt: skip
        await home.begin()
        jobs = Jobs(home, endpoint="warehouse")
        asked = {"sql": sql, "result": "files"}
        assert (await jobs.call("run_sql", asked, can={}))["isError"]
        begun = await jobs.call("run_sql", asked)
        assert begun["resultType"] == "task"
        result = (await jobs.until(begun["taskId"], "completed", seconds=60))["result"]
        assert not result.get("isError"), result
        files = result["structuredContent"]["files"]
        assert files["rows"] > 1_000
        page = result_of(await home.post("resources/read", {"uri": files["csv"][0]}, person="ana"))
        assert page["contents"][0]["text"].count("\n") == files["rows"] + 1


async def test_through_the_gateway_links_stay_and_lead_their_owner_alone(
    tmp_path: Path, warehouse_issuer: Issuer, warehouse: Loaded, postgres_server: Postgres,
    ledger_template: str, valkey_server: Valkey,
) -> None:  # fmt: skip
    async with (
        served(warehouse_issuer, warehouse, results_url=warehouse.results_url) as server,
        ledger_database(postgres_server.url(), ledger_template) as ledger,
        house(
            tmp_path / "house",
            server.issuer,
            ledger,
            valkey_server.url,
            server.counted,
            policies={"warehouse": POLICY},
            locks={"warehouse": await definitions(build())},
            migrated=True,
        ) as home,
    ):
        await home.begin()
        asked = {"sql": "SELECT order_id, region FROM sales.orders", "result": "files"}
        call = {"name": "warehouse_run_sql", "arguments": asked}
        result = result_of(await home.post("tools/call", call, person="ana"))
        links = [one for one in result["content"] if one["type"] == "resource_link"]
        uris = [one["uri"] for one in links]
        assert uris == [
            result["structuredContent"]["files"][kind][0] for kind in ("csv", "parquet")
        ]
        own = result_of(await home.post("resources/read", {"uri": uris[0]}, person="ana"))
        assert own["contents"][0]["text"].startswith("order_id,region\r\n")
        assert own["cacheScope"] == "private"
        # ben has no role for results at all; this number is of no part
        other = await home.post("resources/read", {"uri": uris[0]}, person="ben")
        wrong = uris[0].replace("/1.", "/7.")
        made_up = await home.post("resources/read", {"uri": wrong}, person="ana")
        assert error_of(other)["code"] == error_of(made_up)["code"] == -32602
        assert NO_RESULT in error_of(made_up)["message"]
        records = await home.records(method="resources/read", kind="outcome")
        assert [one["tool"] for one in records][:1] == [uris[0]]
