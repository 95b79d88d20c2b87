"""Who may what: nothing that no line names, and never more than the person or the agent has."""

import io
import re
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gateway.made import a_call, a_catalogue, a_policy, a_principal, a_rule
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.call import Call, Grant, Principal
from mcp_gateway.configuration.settings import ConfigError, Rate, Server
from mcp_gateway.refusals import Refusal
from mcp_gateway.rights.authorize import authorize, listing, locate, seek
from mcp_gateway.rights.policy import Agent, Policy, Service, load

ROLES = ["analyst", "sales", "support", "contractor", "operator", "auditor", ""]


@given(st.frozensets(st.sampled_from(ROLES)), st.frozensets(st.sampled_from(ROLES), min_size=1))
def test_only_a_role_of_the_line_gives_the_right(
    held: frozenset[str], line: frozenset[str]
) -> None:
    policy = a_policy(a_rule(roles=tuple(line)))
    decision = policy.decide(held, "desk", "one", "tool", "read_it")
    assert decision.allowed is bool(held & line)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_what_no_line_names_is_denied(server: str, name: str, agent: str) -> None:
    policy = a_policy(a_rule())
    if (server, name) != ("one", "read_it"):
        assert not policy.decide(frozenset(ROLES), "desk", server, "tool", name).allowed
    if agent != "desk":
        decision = policy.decide(frozenset(ROLES), agent, "one", "tool", "read_it")
        assert decision.reason == "unknown_agent"


@given(st.frozensets(st.sampled_from(ROLES)))
def test_a20_an_agent_narrows_and_never_widens(held: frozenset[str]) -> None:
    rules = (a_rule(), a_rule("write_it", kind="write"))
    agents = {
        "all": Agent(may=["read", "write"], tools=["*"]),
        "reader": Agent(may=["read"], tools=["*"]),
        "one": Agent(may=["read", "write"], tools=["one_read*"]),
        "other": Agent(may=["read", "write"], tools=["two_*"]),
    }
    policy = a_policy(*rules, agents=agents)

    def may(agent: str) -> set[str]:
        return {r.name for r in rules if policy.decide(held, agent, "one", "tool", r.name).allowed}

    everything = {"read_it", "write_it"} if "analyst" in held else set()
    assert may("all") == everything
    assert may("reader") == everything - {"write_it"}
    assert may("one") == everything - {"write_it"}
    assert may("other") == set()


def test_the_widest_rate_among_the_roles_that_give_the_right_applies() -> None:
    slow, fast = Rate(calls=2, seconds=60), Rate(calls=5, seconds=1)
    rule = a_rule(
        roles=("analyst", "contractor", "sales"), rates={"contractor": slow, "sales": fast}
    )
    assert rule.rate_for({"contractor"}) == slow
    assert rule.rate_for({"contractor", "analyst"}) == rule.rate
    assert rule.rate_for({"contractor", "sales", "analyst"}) == fast
    assert rule.rate_for({"contractor", "support"}) == slow  # support does not give the right
    assert rule.rate_for(set()) == rule.rate


def test_a_pattern_covers_the_resources_of_its_own_server_only() -> None:
    policy = a_policy(a_rule("one://*", family="resource"))
    analyst = frozenset({"analyst"})
    assert policy.decide(analyst, "desk", "one", "resource", "one://a/b").allowed
    assert not policy.decide(analyst, "desk", "two", "resource", "one://a/b").allowed
    assert not policy.decide(analyst, "desk", "one", "resource", "two://a/b").allowed
    assert not policy.decide(analyst, "desk", "one", "resource", "ONE://a").allowed
    assert not policy.decide(analyst, "desk", "one", "tool", "one://a/b").allowed


def test_a_name_leads_to_a_server_only_when_it_is_exact() -> None:
    catalogue = a_catalogue("one", "two")
    assert locate(a_call("one_read_it"), catalogue) == ("one", "read_it")
    assert locate(a_call("three_read_it"), catalogue) == (None, None)
    assert locate(a_call("one"), catalogue) == (None, None)
    assert locate(a_call(None), catalogue) == (None, None)
    assert locate(a_call("read_it", endpoint="two"), catalogue) == ("two", "read_it")
    read = a_call("one://x", method="resources/read")
    assert locate(read, catalogue) == ("one", "one://x")
    elsewhere = a_call("one://x", method="resources/read", endpoint="two")
    assert locate(elsewhere, catalogue) == (None, None)


def authorized(principal: Principal, call: Call, policy: Policy) -> Grant:
    catalogue = a_catalogue()
    return authorize(principal, call, seek(principal, call, policy, catalogue), catalogue)


@pytest.mark.parametrize(
    ("roles", "name", "reason"),
    [
        (("sales",), "one_read_it", "no_role"),
        ((), "one_read_it", "no_role"),
        (("analyst",), "one_unpinned", "not_in_catalogue"),
        (("analyst",), "one_nothing", "not_in_catalogue"),
        (("analyst",), "two_read_it", "unknown_name"),
        (("analyst",), "one_write_it", "not_in_policy"),
    ],
)
def test_every_denial_has_its_reason_inside_and_one_face_outside(
    roles: tuple[str, ...], name: str, reason: str
) -> None:
    policy = a_policy(a_rule(), a_rule("unpinned"))
    with pytest.raises(Refusal) as caught:
        authorized(a_principal(*roles), a_call(name), policy)
    refusal = caught.value
    assert refusal.reason == reason
    answer = refusal.answer("tools/call")
    assert (answer.http, answer.error) == (400, {"code": -32602, "message": "Unknown tool"})
    assert answer.headers == ()


def test_a_grant_says_who_what_and_under_which_policy() -> None:
    call = a_call()
    grant = authorized(a_principal("analyst"), call, a_policy(a_rule()))
    assert (grant.server, grant.target, grant.definition, grant.policy) == (
        "one", "read_it", "h-read_it", "v1",
    )  # fmt: skip
    assert grant.call is call


def test_who_may_read_nothing_gets_no_list_either() -> None:
    policy = a_policy(a_rule("one://*", family="resource"))
    assert listing(a_principal("analyst"), a_call(), policy, "one").target is None
    for principal in (a_principal("sales"), a_principal("analyst", agent="stranger")):
        with pytest.raises(Refusal):
            listing(principal, a_call(), policy, "one")


# --- the files


def server_with(folder: Path, policy: str) -> Server:
    (folder / "policy.yaml").write_text(textwrap.dedent(policy))
    (folder / "agents.yaml").write_text('agents:\n  desk: { may: [read], tools: ["*"] }\n')
    return Server(name="one", folder=folder, resource="http://one.internal/mcp")


def test_a_policy_file_is_compiled_and_its_version_follows_every_byte(tmp_path: Path) -> None:
    server = server_with(
        tmp_path,
        """
        tools:
          read_it: { roles: [analyst], rate: 3/second, timeout: 500ms, redact: [$.note] }
        prompts: { ask: { roles: [sales] } }
        resources: { "one://*": { roles: [sales], timeout: 2m } }
        """,
    )
    first = load([server], tmp_path / "agents.yaml", 30.0)
    rule = first.rule("one", "tool", "read_it")
    assert rule is not None
    assert (rule.rate.per_second, rule.timeout, rule.redact, rule.kind) == (
        3,
        0.5,
        ("$.note",),
        "read",
    )
    prompt, resource = first.rule("one", "prompt", "ask"), first.rule("one", "resource", "one://x")
    assert prompt is not None
    assert resource is not None
    assert (prompt.timeout, resource.timeout) == (30, 120)
    assert first.roles == {"analyst", "sales"}
    with (tmp_path / "policy.yaml").open("a") as file:
        file.write("# a remark\n")
    second = load([server], tmp_path / "agents.yaml", 30.0)
    (tmp_path / "agents.yaml").write_text('agents:\n  desk: { may: [read], tools: ["x"] }\n')
    third = load([server], tmp_path / "agents.yaml", 30.0)
    assert len({first.version, second.version, third.version}) == 3


def test_a_version_is_that_of_the_rules_also_when_a_file_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the old rules would go on under the new version, and no reload would notice."""
    server = server_with(tmp_path, "tools: { read_it: { roles: [analyst], rate: 3/second } }\n")
    agents = tmp_path / "agents.yaml"
    before = load([server], agents, 30.0)
    opened = Path.open

    def edited(path: Path, *words: Any, **named: Any) -> io.BytesIO:
        """Whoever opens a file again finds another text in it."""
        with opened(path, "rb") as file:
            found = file.read()
        with opened(path, "wb") as file:
            file.write(found.replace(b"analyst", b"sales").replace(b"*", b"x"))
        return io.BytesIO(found)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", edited)
        meanwhile = load([server], agents, 30.0)
    assert (meanwhile.version, meanwhile.rules) == (before.version, before.rules)
    after = load([server], agents, 30.0)
    assert after.version != before.version
    assert after.roles == {"sales"}


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("tool: {}", "policy.yaml: tool: Extra inputs are not permitted"),
        ("tools: { a: { role: [x] } }", "policy.yaml: tools.a.roles: Field required"),
        ("tools: { a: { roles: [] } }", "tools.a.roles: List should have at least 1 item"),
        ("tools: { a: { roles: x } }", "tools.a.roles: Input should be a valid list"),
        ("tools: { a: { roles: [x], kind: delete } }", "tools.a.kind: Input should be 'read' or 'write'"),
        ("tools: { a: { roles: [x], rate: 5/min } }", "expected a rate such as 60/minute, got '5/min'"),
        ("tools: { a: { roles: [x], rate: 0/minute } }", "tools.a.rate"),
        ("tools: { a: { roles: [x], rates: { y: often } } }", "tools.a.rates.y: Value error, expected a rate"),
        ("tools: { a: { roles: [x], timeout: 10 seconds } }", "expected a duration such as 10s"),
        ("tools: { a: { roles: [x], timeout: 0s } }", "tools.a.timeout: Input should be greater than 0"),
        ("tools: { a: { roles: [x], timeout: 11m } }", "tools.a.timeout: Input should be less than or equal to 600"),
        ("tools: { a: { roles: [x] }, a: { roles: [y] } }", "the key 'a' is given twice"),
        ("tools: {}\ntools: {}", "line 2: the key 'tools' is given twice"),
        ("prompts: { a: { roles: [x], kind: write } }", "prompts.a.kind: Extra inputs are not permitted"),
        ("tools: { a: { roles: [x], cost: 0 } }", "tools.a.cost: Input should be greater than or equal to 1"),
        ("tools: { a: { roles: [x], cost: 101 } }", "tools.a.cost: Input should be less than or equal to 100"),
        ("tools: { a: { roles: [x], cost: dear } }", "tools.a.cost: Input should be a valid integer"),
        ("rate: 4/minute\ntools: { a: { roles: [x], cost: 5 } }", "tools.a.cost is 5, more than the server's rate ever holds (4)"),
        ("rate: often", "policy.yaml: rate: Value error, expected a rate"),
        ("tools: { a: { roles: [x], rates: { z: 3/minute } } }", "rates: z is not among the roles of this tool"),
        ("- tools", "expected keys and values, found list"),
        ("", "expected keys and values, found NoneType"),
        ("tools: [", "not valid YAML"),
        ("tools: !!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)  # fmt: skip
def test_p08_a_mistake_in_a_policy_stops_the_start_and_says_where(
    tmp_path: Path, policy: str, told: str
) -> None:
    server = server_with(tmp_path, policy)
    with pytest.raises(ConfigError) as caught:
        load([server], tmp_path / "agents.yaml", 30.0)
    assert told in str(caught.value)
    assert str(tmp_path / "policy.yaml") in str(caught.value)


def test_a_missing_agents_file_stops_the_start(tmp_path: Path) -> None:
    server = server_with(tmp_path, "tools: {}")
    (tmp_path / "agents.yaml").unlink()
    with pytest.raises(ConfigError, match=r"agents\.yaml: no such file"):
        load([server], tmp_path / "agents.yaml", 30.0)


@pytest.mark.parametrize(
    ("agents", "told"),
    [
        ("agents: {}\nservices: { n: { roles: [x], may: [read] } }", "services.n.tools: Field required"),
        ("agents: {}\nservices: { n: { may: [read], tools: ['*'] } }", "services.n.roles: Field required"),
        ("agents: {}\nservices: { n: { roles: [], may: [read], tools: ['*'] } }", "services.n.roles: List should have at least 1"),
        ("agents: {}\nservices: { n: { roles: [boss], may: [read], tools: ['*'] } }", "services.n.roles: no policy names boss"),
        ("agents: { n: { may: [read], tools: ['*'] } }\nservices: { n: { roles: [x], may: [read], tools: ['*'] } }", "n is listed under agents and under services"),
        ("agents: { n: { may: [read], tools: ['*'], rate: 1 } }", "agents.n.rate"),
        ("agents: {}\nservice: {}", "service: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_p08_a_mistake_in_the_agents_file_stops_the_start_and_says_where(
    tmp_path: Path, agents: str, told: str
) -> None:
    server = server_with(tmp_path, "tools: { a: { roles: [x] } }")
    (tmp_path / "agents.yaml").write_text(agents)
    with pytest.raises(ConfigError) as caught:
        load([server], tmp_path / "agents.yaml", 30.0)
    assert told in str(caught.value)


def test_a_service_has_its_own_line_and_people_have_none_of_it() -> None:
    line = Service(roles=["x"], may=["read"], tools=["one_*"])
    policy = replace(a_policy(a_rule("a", roles=("x",))), services={"nightly": line})
    assert policy.roles_of_service("nightly") == {"x"}
    assert policy.roles_of_service("desk") == frozenset()
    held = frozenset({"x"})
    assert policy.decide(held, "nightly", "one", "tool", "a", service=True).allowed
    assert not policy.decide(held, "nightly", "one", "tool", "a").allowed
    assert not policy.decide(held, "desk", "one", "tool", "a", service=True).allowed


MASKED = """\
records: {{analyst: all, sales: team}}
tools:
  read_it:
    roles: [analyst, sales]
    mask: {mask}
"""


def a_file(folder: Path, text: str) -> Policy:
    return load([server_with(folder, text)], folder / "agents.yaml", 1.0)


def test_a_field_is_hidden_from_every_role_that_its_line_does_not_name(tmp_path: Path) -> None:
    policy = a_file(tmp_path, MASKED.format(mask="{'$.rows[*].phone': [sales], '$.note': []}"))
    rule = policy.rule("one", "tool", "read_it")
    assert rule is not None
    assert rule.hidden_from(frozenset({"sales"})) == ["$.note"]
    assert rule.hidden_from(frozenset({"analyst"})) == ["$.rows[*].phone", "$.note"]
    assert rule.hidden_from(frozenset({"analyst", "sales"})) == ["$.note"]
    assert policy.records == {"one": {"analyst": "all", "sales": "team"}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MASKED.format(mask="{phone: [sales]}"), "not a path such as"),
        (MASKED.format(mask="{$: [sales]}"), "not a path such as"),
        (MASKED.format(mask="{'$..phone': [sales]}"), "not a path such as"),
        (MASKED.format(mask="{'$.rows[0]': [sales]}"), "not a path such as"),
        (MASKED.format(mask="{$.note: [support]}"), "support is not among the roles of this tool"),
        ("records: {support: all}\ntools: {read_it: {roles: [sales]}}", "no tool of this server is for support"),
        ("records: {sales: some}\ntools: {read_it: {roles: [sales]}}", "records.sales"),
    ],
)  # fmt: skip
def test_a_mask_or_a_reach_that_means_nothing_is_refused(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        a_file(tmp_path, text)
