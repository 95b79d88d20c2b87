"""`make policy` and `make why` say what the policy would decide, and which line would change it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from gateway.made import a_call, a_catalogue, a_policy, a_principal, a_rule

from mcp_gateway.configuration.settings import Rate
from mcp_gateway.refusals import Refusal
from mcp_gateway.rights import why
from mcp_gateway.rights.authorize import authorize, seek
from mcp_gateway.rights.policy import Agent, Service

POLICY = a_policy(
    a_rule(roles=("analyst", "contractor"), rates={"contractor": Rate(calls=2, seconds=60)}),
    a_rule("write_it", kind="write", roles=("sales",)),
    a_rule("unpinned"),
    a_rule("one://*", family="resource"),
    agents={
        "desk": Agent(may=["read", "write"], tools=["*"]),
        "reader": Agent(may=["read"], tools=["*"]),
    },
)
CATALOGUE = a_catalogue("one")


def told(tool: str, *roles: str, agent: str = "desk") -> str:
    return "\n".join(why.explain(POLICY, CATALOGUE, frozenset(roles), agent, tool))


def test_a_yes_names_the_role_the_file_and_the_rate() -> None:
    text = told("one_read_it", "contractor")
    assert text.startswith(
        "yes: role contractor (servers/one/policy.yaml: tools.read_it.roles), as desk"
    )
    assert "2 calls per 60 s, 1 s each" in text


@pytest.mark.parametrize(
    ("tool", "roles", "agent", "says"),
    [
        ("one_write_it", ("analyst",), "desk", "tools.write_it.roles is [sales]; the person has [analyst]"),
        ("one_write_it", (), "desk", "the person has no role"),
        ("one_nothing", ("analyst",), "desk", "has no line for tools.nothing; what is not listed is denied"),
        ("one_readit", ("analyst",), "desk", "did you mean one_read_it?"),
        ("two_read_it", ("analyst",), "desk", "there is no server 'two'"),
        ("read", ("analyst",), "desk", "there is no server 'read'"),
        ("one_read_it", ("analyst",), "stranger", "gateway/agents.yaml does not list the client 'stranger'"),
        ("one_write_it", ("sales",), "reader", "gateway/agents.yaml narrows 'reader'"),
    ],
)  # fmt: skip
def test_a_no_names_what_would_change_it(
    tool: str, roles: tuple[str, ...], agent: str, says: str
) -> None:
    text = told(tool, *roles, agent=agent)
    assert text.startswith("no: ")
    assert says in text


def test_costs_and_services_are_named() -> None:
    dear = replace(a_rule("dear"), cost=5)
    service = Service(roles=["analyst"], may=["read"], tools=["*"])
    policy = replace(a_policy(dear), services={"nightly": service})
    held = frozenset({"analyst"})
    assert "5 tokens each" in "\n".join(why.explain(policy, CATALOGUE, held, "desk", "one_dear"))
    (text,) = why.explain(policy, CATALOGUE, held, "nightly", "one_dear")
    assert "lists 'nightly' as a service, which acts for no person" in text
    assert why.matrix(policy)[1][-1] == "60/60s, cost 5"


def test_a_tool_that_may_become_a_task_says_how_long_one_is_kept() -> None:
    policy = a_policy(replace(a_rule(), task=3600.0), agents=POLICY.agents)
    text = "\n".join(why.explain(policy, CATALOGUE, frozenset({"analyst"}), "desk", "one_read_it"))
    assert (
        "as a task if it takes long, kept 3600 s (servers/one/policy.yaml: tools.read_it.task)"
        in text
    )
    assert "task" not in told("one_read_it", "analyst")
    assert list(why.beside(policy)) == ["one_read_it: may become a task, kept 3600 s"]
    assert not list(why.beside(POLICY))


def test_what_a_role_does_not_see_is_named() -> None:
    masked = replace(a_rule(), mask={"$.rows[*].phone": frozenset({"sales"})})
    policy = replace(a_policy(masked), records={"one": {"analyst": "all", "sales": "team"}})
    held = frozenset({"analyst"})
    text = "\n".join(why.explain(policy, CATALOGUE, held, "desk", "one_read_it"))
    assert (
        "masked in the answer: $.rows[*].phone (servers/one/policy.yaml: tools.read_it.mask)"
        in text
    )
    assert list(why.beside(policy)) == [
        "one_read_it: $.rows[*].phone is seen by sales; masked for everyone else",
        "one: records by owner: analyst all, sales team; any other role none",
    ]


def test_a_line_without_a_pinned_definition_is_pointed_out() -> None:
    assert "does not pin it; run `make tools-lock`" in told("one_unpinned", "analyst")


def test_why_says_what_the_gateway_does() -> None:
    for tool in ("one_read_it", "one_write_it", "one_nothing", "two_read_it"):
        for roles in ((), ("analyst",), ("sales",), ("contractor",)):
            for agent in ("desk", "reader", "stranger"):
                try:
                    person, call = a_principal(*roles, agent=agent), a_call(tool)
                    sought = seek(person, call, POLICY, CATALOGUE)
                    authorize(person, call, sought, CATALOGUE)
                    allowed = True
                except Refusal:
                    allowed = False
                assert told(tool, *roles, agent=agent).startswith("yes") is allowed


def test_the_matrix_has_a_row_for_every_line_and_a_column_for_every_role() -> None:
    rows = why.matrix(POLICY)
    assert rows[0] == ["", "analyst", "contractor", "sales", "kind", "rate"]
    assert ["one_read_it", "r", "r", "·", "read", "60/60s, contractor 2/60s"] in rows
    assert ["one_write_it", "·", "·", "w", "write", "60/60s"] in rows
    assert ["resource one://*", "r", "·", "·", "read", "60/60s"] in rows


def test_people_have_the_roles_of_their_groups(tmp_path: Path) -> None:
    realm = tmp_path / "realm.json"
    document = {
        "groups": [{"name": "analyst", "realmRoles": ["analyst"]}, {"name": "x", "path": "/x", "realmRoles": ["sales"]}],
        "users": [
            {"username": "ana", "groups": ["analyst", "/x"]},
            {"username": "ben", "realmRoles": ["support"], "groups": ["/nothing"]},
            {"username": "cho"},
        ],
    }  # fmt: skip
    realm.write_text(json.dumps(document))
    assert why.people(realm) == {
        "ana": {"analyst", "sales"}, "ben": {"support"}, "cho": frozenset(),
    }  # fmt: skip


def repository(folder: Path) -> Path:
    server = folder / "servers" / "one"
    server.mkdir(parents=True)
    (server / "policy.yaml").write_text("tools: { read_it: { roles: [analyst] } }\n")
    lock = {"server": "one", "tools": [], "prompts": []}
    (server / "tools.lock.json").write_text(json.dumps(lock))
    (folder / "gateway").mkdir()
    (folder / "gateway" / "agents.yaml").write_text(
        'agents: { claude-code: { may: [read], tools: ["*"] } }\n'
    )
    path = folder / "gateway" / "gateway.yaml"
    path.write_text(
        "public_url: http://localhost:1\nissuer: http://localhost:2/realms/mcp\nservers: [one]\n"
    )
    realm = {
        "groups": [{"name": "analyst", "realmRoles": ["analyst"]}],
        "users": [{"username": "ana", "groups": ["analyst"]}],
    }
    (folder / "realm.json").write_text(json.dumps(realm))
    return path


def test_the_command_prints_the_matrix_or_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = repository(tmp_path)
    monkeypatch.setenv("GATEWAY_CONFIG", str(config))
    realm = str(tmp_path / "realm.json")

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["why", "--realm", realm, *arguments])
        why.main()
        return capsys.readouterr().out

    assert "one_read_it  r        read  60/60s" in run()
    assert "what has no line is denied" in run()
    assert run("--person", "ana", "--tool", "one_read_it").startswith("yes: role analyst")
    with pytest.raises(SystemExit, match=r"no person 'eve' .* there are ana"):
        run("--person", "eve", "--tool", "one_read_it")
    config.write_text("servers: [one]\n")
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 2
    assert "public_url: Field required" in capsys.readouterr().err
