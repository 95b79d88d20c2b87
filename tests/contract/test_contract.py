"""The contract of every listed tool of every listed server."""

import fnmatch
import json
import tomllib
from typing import Any

import pytest
import yaml
from architecture.tree import ROOT, listed
from contract.servers import served

from mcp_shared.contract import MAX_TOOLS, violations
from mcp_shared.poison import foreign, poisons, shadows
from mcp_shared.renames import renamed_from

SERVERS = sorted(listed())
COUNTED = {3: "Three", 4: "Four", 5: "Five"}


def policy(server: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((listed()[server] / "policy.yaml").read_text("utf-8"))
    return document


def realm() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "infra/keycloak/realm.json").read_text("utf-8"))
    return document


@pytest.mark.parametrize("server", SERVERS)
def test_every_description_keeps_the_contract(server: str) -> None:
    tools = served()[server]["tools"]
    names = [tool["name"] for tool in tools]
    broken = {tool["name"]: violations(tool, names) for tool in tools}
    assert not {name: found for name, found in broken.items() if found}


@pytest.mark.parametrize("server", SERVERS)
def test_u01_nothing_is_said_that_no_model_should_read(server: str) -> None:
    document = served()[server]
    about = {key: document[key] for key in ("title", "instructions")}
    for one in (about, *document["tools"], *document["prompts"]):
        assert list(poisons(one)) == []


def test_u04_no_server_speaks_for_anothers_tool() -> None:
    tools = {server: [tool["name"] for tool in served()[server]["tools"]] for server in SERVERS}
    for server in SERVERS:
        document = served()[server]
        about = {key: document[key] for key in ("title", "instructions")}
        for one in (about, *document["tools"], *document["prompts"]):
            assert list(shadows(one, foreign(server, tools))) == []


@pytest.mark.parametrize("server", SERVERS)
def test_an_earlier_name_is_no_tool_of_today(server: str) -> None:
    """The gateway leads it to the renamed tool for as long as it says."""
    tools = served()[server]["tools"]
    earlier = [found.name for tool in tools if (found := renamed_from(tool))]
    assert len({*earlier, *(tool["name"] for tool in tools)}) == len(earlier) + len(tools)


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_has_three_to_five_tools(server: str) -> None:
    assert 3 <= len(served()[server]["tools"]) <= MAX_TOOLS


@pytest.mark.parametrize("server", SERVERS)
def test_the_lock_is_what_the_server_serves(server: str) -> None:
    pinned = json.loads((listed()[server] / "tools.lock.json").read_text("utf-8"))
    assert pinned == served()[server], "run `make tools-lock` and review the difference"


@pytest.mark.parametrize("server", SERVERS)
def test_policy_and_definitions_name_the_same_things(server: str) -> None:
    lines, document = policy(server), served()[server]
    assert set(lines["tools"]) == {tool["name"] for tool in document["tools"]}
    assert set(lines.get("prompts", {})) == {prompt["name"] for prompt in document["prompts"]}
    assert bool(lines.get("resources")) == document["resources"]


@pytest.mark.parametrize("server", SERVERS)
def test_a_tool_that_writes_is_a_write_in_the_policy(server: str) -> None:
    """The kind decides what happens without the limiter and what a read-only agent may do."""
    for tool in served()[server]["tools"]:
        kind = policy(server)["tools"][tool["name"]].get("kind", "read")
        assert (kind == "read") == tool["annotations"]["readOnlyHint"], tool["name"]


@pytest.mark.parametrize("server", SERVERS)
def test_what_is_redacted_is_an_argument(server: str) -> None:
    for tool in served()[server]["tools"]:
        for path in policy(server)["tools"][tool["name"]].get("redact", []):
            first = path.removeprefix("$.").partition(".")[0].partition("[")[0]
            assert first in tool["inputSchema"]["properties"], f"{tool['name']}: {path}"


@pytest.mark.parametrize("server", SERVERS)
def test_every_role_of_a_policy_is_one_the_realm_has(server: str) -> None:
    """A role nobody can hold is a misspelt one, and its line denies everybody."""
    known = {role["name"] for role in realm()["roles"]["realm"]}
    carried = {role for group in realm()["groups"] for role in group.get("realmRoles", [])}
    for family in ("tools", "prompts", "resources"):
        for name, line in (policy(server).get(family) or {}).items():
            named = {*line["roles"], *line.get("rates", {})}
            assert named <= known, name
            assert named <= carried, f"{name}: no group carries {named - carried}"
            assert set(line.get("rates", {})) <= set(line["roles"]), name


def test_every_agent_is_a_client_of_the_realm_and_every_pattern_meets_a_tool() -> None:
    agents = yaml.safe_load((ROOT / "gateway/agents.yaml").read_text("utf-8"))["agents"]
    clients = {client["clientId"] for client in realm()["clients"]}
    assert set(agents) <= clients, set(agents) - clients
    names = [f"{server}_{tool['name']}" for server in SERVERS for tool in served()[server]["tools"]]
    for agent, line in agents.items():
        for pattern in line["tools"]:
            assert fnmatch.filter(names, pattern), f"{agent}: {pattern}"


@pytest.mark.parametrize("server", SERVERS)
def test_every_demonstrated_call_names_a_person_and_a_tool_that_exist(server: str) -> None:
    people = {user["username"] for user in realm()["users"]}
    calls = tomllib.loads((listed()[server] / "demo.toml").read_text("utf-8"))["call"]
    tools = {tool["name"] for tool in served()[server]["tools"]}
    assert {call["person"] for call in calls} <= people
    assert {call["tool"] for call in calls} <= tools
    assert "allowed" in {call["expect"] for call in calls}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_says_what_it_reaches_and_what_it_never_does(server: str) -> None:
    text = (listed()[server] / "README.md").read_text("utf-8").lower()
    assert "reaches" in text
    assert "never" in text


@pytest.mark.parametrize("server", SERVERS)
def test_a_readme_names_every_tool_and_says_how_many_there_are(server: str) -> None:
    text = (listed()[server] / "README.md").read_text("utf-8")
    names = [tool["name"] for tool in served()[server]["tools"]]
    assert not [name for name in names if f"`{name}`" not in text]
    assert f"{COUNTED[len(names)]} tools" in text


def test_no_two_servers_share_a_scheme_or_a_prefix() -> None:
    """Names on the aggregate are <server>_<tool>: no server's name may begin another's."""
    names = [f"{server}_" for server in SERVERS]
    assert not [
        (one, other) for one in names for other in names if one != other and other.startswith(one)
    ]
