import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from mcp import Client

from mcp_shared.contract import violations
from mcp_shared.serve import definitions
from mcp_shared.validation import Arguments
from mcp_warehouse.metrics import LAYER
from mcp_warehouse.server import build

SERVER = Path(__file__).parents[3] / "servers" / "warehouse"


async def test_it_starts_and_defines_itself_with_nothing_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WAREHOUSE_DATABASE_URL", raising=False)
    document = await definitions(build())
    names = [tool["name"] for tool in document["tools"]]
    assert names == ["list_tables", "describe_table", "get_metric", "run_sql"]
    assert [prompt["name"] for prompt in document["prompts"]] == ["revenue_review"]
    for tool in document["tools"]:
        assert violations(tool, names) == []


async def test_the_prompt_names_tools_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DATABASE_URL", "postgresql://nowhere.invalid/x")
    async with Client(build()) as client:
        prompt = await client.get_prompt("revenue_review", {"focus": "EUROPE"})
        tools = {tool.name for tool in (await client.list_tools()).tools}
    text = prompt.messages[0].content.text  # type: ignore[union-attr]
    assert "for EUROPE" in text
    assert {word for word in re.findall(r"\w+", text) if word in tools} >= {
        "get_metric", "run_sql", "describe_table",
    }  # fmt: skip


async def test_policy_names_every_resource_there_is_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAREHOUSE_DATABASE_URL", "postgresql://nowhere.invalid/x")
    lines = yaml.safe_load((SERVER / "policy.yaml").read_text())["resources"]
    async with Client(build()) as client:
        resources = [one.uri for one in (await client.list_resources()).resources]
        listed = (await client.list_resource_templates()).resource_templates
        page = (await client.read_resource("warehouse://metrics")).contents[0]
    addresses = [*resources, *(one.uri_template for one in listed)]
    assert {rule for rule in lines for one in addresses if fnmatch(one, rule)} == set(lines)
    assert all(any(fnmatch(one, rule) for rule in lines) for one in addresses)
    assert all(f"## {name}\n" in page.text for name in LAYER.metrics)  # type: ignore[union-attr]


async def test_policy_and_demonstration_name_the_tools_there_are() -> None:
    document = await definitions(build())
    tools = {tool["name"]: tool["inputSchema"] for tool in document["tools"]}
    policy = yaml.safe_load((SERVER / "policy.yaml").read_text())
    assert set(policy["tools"]) == set(tools)
    assert set(policy["prompts"]) == {prompt["name"] for prompt in document["prompts"]}
    assert not any("contractor" in line["roles"] for line in policy["tools"].values())
    calls = tomllib.loads((SERVER / "demo.toml").read_text())["call"]
    assert {call["expect"] for call in calls} == {"allowed", "refused"}
    for call in calls:
        assert Arguments(tools[call["tool"]]).problems(call["arguments"]) == []
