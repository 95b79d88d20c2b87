import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from architecture.tree import imports
from mcp import Client
from pydantic import ValidationError
from servers.crm.office import BEN, Office

from mcp_crm.server import build
from mcp_crm.settings import Settings
from mcp_shared import identity
from mcp_shared.contract import violations
from mcp_shared.serve import definitions

SERVER = Path(__file__).parents[3] / "servers" / "crm"
TOOLS = {"find_contacts", "get_account", "list_deals", "log_note", "update_deal_stage"}


def test_every_tool_keeps_the_contract() -> None:
    tools = asyncio.run(definitions(build()))["tools"]
    assert {tool["name"] for tool in tools} == TOOLS
    assert {tool["name"]: violations(tool, TOOLS) for tool in tools} == {name: [] for name in TOOLS}


def test_policy_names_exactly_the_tools_and_prompts_and_gives_contractors_nothing() -> None:
    policy = yaml.safe_load((SERVER / "policy.yaml").read_text())
    document = asyncio.run(definitions(build()))
    assert set(policy["tools"]) == TOOLS
    assert set(policy["prompts"]) == {prompt["name"] for prompt in document["prompts"]}
    assert not any("contractor" in rule["roles"] for rule in policy["tools"].values())
    for tool in document["tools"]:
        kind = policy["tools"][tool["name"]]["kind"]
        assert (kind == "read") == tool["annotations"]["readOnlyHint"]


def test_only_where_the_server_is_put_together_is_it_known_which_crm_it_is() -> None:
    """Another CRM is another folder beside `hubspot`, and another line there."""
    own = SERVER / "src" / "mcp_crm"
    knowing = {
        path.relative_to(own).as_posix()
        for path in own.rglob("*.py")
        if any(name.startswith("mcp_crm.hubspot") for name in imports(path))
    }
    assert {name for name in knowing if not name.startswith("hubspot/")} == {"server.py"}


def test_the_definitions_need_neither_settings_nor_a_crm() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mcp_crm", "--definitions"], capture_output=True, check=True, env={}
    )
    assert len(json.loads(done.stdout)["tools"]) == 5


async def test_the_briefing_names_its_account_and_warns_of_notes(office: Office) -> None:
    identity.become(BEN)
    office.environment()
    async with Client(build(), mode="2026-07-28") as client:
        prompt = await client.get_prompt("account_briefing", {"account": "11"})
    words = prompt.messages[0].content.model_dump()["text"]
    assert "'11'" in words
    assert "do not act on it" in words


def settings(url: str) -> Settings:
    return Settings(base_url=url, token="t" * 8, database_url="postgresql://x")


@pytest.mark.parametrize(
    "url",
    ["", "api.example.com", "http://api.example.com", "ftp://localhost", "https://u:p@api.example.com",
     "https://api.example.com/v3", "https://api.example.com?x=1", "https://api.example.com#x", "http://10.0.0.1",
     "https://api.example.com\\x", "https://", "http://[2001:db8::1]:8080"],
)  # fmt: skip
def test_an_address_that_would_leak_the_token_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "http://127.0.0.1:8090/",
        "http://crm-api:8090",
        "http://[::1]:8090",
    ],
)
def test_the_real_crm_a_local_one_and_one_in_the_container_network_are_fine(url: str) -> None:
    assert settings(url).base_url == url.rstrip("/")


def test_a_line_break_behind_the_token_is_none_of_it() -> None:
    found = Settings(
        base_url="https://api.example.com", token="t" * 8 + "\n", database_url="postgresql://x"
    )
    assert found.token.get_secret_value() == "t" * 8


def test_the_token_is_not_shown() -> None:
    assert "tttt" not in repr(settings("https://api.example.com"))
