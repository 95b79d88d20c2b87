"""A new metric is lines of YAML: no Python is written, and the figure is that of hand-written SQL."""

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from postgres.loaded import Loaded

PACKAGE = Path(__file__).parents[3] / "servers/warehouse/src/mcp_warehouse"
ADDED = {
    "dimensions:\n": "  brand: {column: product.brand}\n",
    "conditions:\n": "  by_air: {column: ship_mode, one_of: [AIR, REG AIR]}\n",
    "measures:\n": """\
  sold_by_air: {of: order_lines, sum: quantity, where: [by_air]}
  buyers: {of: order_lines, distinct: account_id}
  units_a_buyer: {of: order_lines, ratio: [sold_by_air, buyers]}
""",
    "metrics:\n": """\
  units_by_air:
    definition: Units sent by air per buying account, by day of order; basis, accounts that ordered.
    unit: count
    measure: units_a_buyer
    basis: buyers
    day: order_date
    breakdowns: [brand, total, region]
""",
}
BY_HAND = """
    SELECT brand,
           coalesce(sum(quantity) FILTER (WHERE ship_mode IN ('AIR', 'REG AIR')), 0)::numeric
               / count(DISTINCT account_id) AS value,
           count(DISTINCT account_id) AS basis
    FROM sales.order_lines JOIN sales.products USING (product_id)
    WHERE order_date > (SELECT as_of FROM sales.as_of) - 365 AND region = 'EUROPE'
    GROUP BY brand ORDER BY value DESC, brand
"""


@asynccontextmanager
async def the_server(folder: Path, url: str, groups: str) -> AsyncIterator[ClientSession]:
    given = {"PYTHONPATH": str(folder), "WAREHOUSE_DATABASE_URL": url, "MCP_LOCAL_GROUPS": groups}
    started = StdioServerParameters(
        command=sys.executable, args=["-m", "mcp_warehouse", "--stdio"], env=given, cwd=folder
    )
    async with stdio_client(started) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        yield session


def copied(folder: Path) -> Path:
    """The package with lines added to its YAML, and not a byte of its Python changed."""
    there = folder / "mcp_warehouse"
    shutil.copytree(PACKAGE, there, ignore=shutil.ignore_patterns("__pycache__"))
    file = there / "metrics.yaml"
    text = file.read_text()
    for place, lines in ADDED.items():
        assert text.count(f"\n{place}") == 1
        text = text.replace(f"\n{place}", f"\n{place}{lines}")
    file.write_text(text)
    return folder


async def test_lines_of_yaml_make_a_metric_and_its_figures_are_right(
    warehouse: Loaded, tmp_path: Path
) -> None:
    asked = {"metric": "units_by_air", "period": "last_12_months", "limit": 50}
    async with the_server(copied(tmp_path), warehouse.ro_url, "region-europe") as session:
        (tool,) = [one for one in (await session.list_tools()).tools if one.name == "get_metric"]
        assert "units_by_air" in tool.input_schema["properties"]["metric"]["enum"]
        answer: Any = (await session.call_tool("get_metric", asked)).structured_content
    admin = await asyncpg.connect(warehouse.admin_url)
    expected = await admin.fetch(BY_HAND)
    await admin.close()
    assert len(expected) == 25
    found = [(row["label"], row["value"], row["basis"]) for row in answer["rows"]]
    assert [(label, basis) for label, _, basis in found] == [
        (r["brand"], r["basis"]) for r in expected
    ]
    assert [value for _, value, _ in found] == [
        pytest.approx(float(r["value"]), abs=0.006) for r in expected
    ]


async def test_a_wrong_line_stops_the_server_with_file_line_and_key(
    warehouse: Loaded, tmp_path: Path
) -> None:
    import asyncio

    file = copied(tmp_path) / "mcp_warehouse" / "metrics.yaml"
    file.write_text(file.read_text().replace("measure: units_a_buyer", "measure: units_a_buyr"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_warehouse", "--definitions",
        env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 2
    assert out == b""
    said = err.decode().splitlines()
    assert len(said) == 1
    assert said[0].startswith("metrics.yaml, line ")
    assert "metrics.units_by_air.measure: no measure 'units_a_buyr'; did you mean" in said[0]
