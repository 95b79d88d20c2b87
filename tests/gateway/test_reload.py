"""What a reload notices, and how it tells it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.made import a_policy, a_rule

from mcp_gateway.configuration.settings import Server
from mcp_gateway.definitions import catalogue
from mcp_gateway.rights import policy
from mcp_gateway.rights.policy import Policy
from mcp_gateway.rights.policy_file import Answers
from mcp_gateway.rights.reload import Reload, differences

LOCK = Path(__file__).parents[2] / "servers" / "docs" / "tools.lock.json"


def test_whatever_of_a_line_changes_is_told() -> None:
    rule = a_rule()
    changed = replace(rule, task=60.0, keep="encrypted", answers=Answers(secrets="block"), cost=2)
    rest = "untrusted: True, links: []}"
    assert list(differences(a_policy(rule), a_policy(changed))) == [
        "one tool read_it: cost 1 → 2",
        "one tool read_it: keep redacted → encrypted",
        f"one tool read_it: answers {{secrets: redact, {rest} → {{secrets: block, {rest}",
        "one tool read_it: task nothing → 60.0",
    ]
    assert not list(differences(a_policy(rule), a_policy(replace(rule))))


async def test_a_lock_file_that_changed_while_the_gateway_started_is_noticed(
    tmp_path: Path,
) -> None:
    (tmp_path / "policy.yaml").write_text("tools: { search_docs: { roles: [analyst] } }\n")
    agents = tmp_path / "agents.yaml"
    agents.write_text('agents:\n  desk: { may: [read], tools: ["*"] }\n')
    lock = tmp_path / "tools.lock.json"
    document = json.loads(LOCK.read_text("utf-8"))
    lock.write_text(json.dumps(document))
    servers = [Server(name="one", folder=tmp_path, resource="http://one.internal/mcp")]
    pinned, now = catalogue.load(servers), policy.load(servers, agents, 30.0)
    lock.write_text(json.dumps({**document, "prompts": []}))
    told: list[tuple[str, Mapping[str, Any]]] = []

    async def event(name: str, detail: Mapping[str, Any]) -> None:
        told.append((name, detail))

    async def again(names: Iterable[str]) -> None:
        told.append(("compared", {"servers": list(names)}))

    def unused(_: Policy) -> None:
        pass

    reload = Reload(
        servers=servers, agents=agents, timeout=30.0, policy=lambda: now, use=unused,
        insist=unused, catalogue=pinned, compare_again=again, event=event,
    )  # fmt: skip
    assert await reload._over()
    (name, detail), compared = told
    assert (name, detail["server"]) == ("catalogue_changed", "one")
    assert detail["changed"] == ["prompt answer_from_handbook: removed"]
    assert compared == ("compared", {"servers": ["one"]})
    assert not pinned.servers["one"].prompts
    told.clear()
    assert await reload._over()
    assert not told
