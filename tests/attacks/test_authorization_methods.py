"""A06, A08, A20, A21: other methods, other agents and other pages as a way around one's rights."""

import random
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from attacks.oracle import unharmed
from attacks.test_debug_pages import ABSENT
from house.asks import GOOD, error_of, result_of, without_receipt
from house.backends import Counted
from house.conftest import Opened
from house.house import RECEIPT, House
from house.jobs import KNOWS, Jobs

from mcp_gateway.configuration.settings import Rate
from mcp_gateway.limits import throttle
from mcp_gateway.protocol import encode_header
from mcp_gateway.rights.policy import Agent

WIDE = "limits: { person_rate: 100000/minute, refused_rate: 100000/minute }\n"
PEOPLE = ("ana", "ben", "cho", "dee", "olu")
NOTE = {"number": 1, "idempotency_key": "key-00001"}


@pytest.fixture(autouse=True)
def guessing_is_not_slowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "UNKNOWN_RATE", Rate(calls=1_000_000, seconds=1))


# --- A06

# by kind: what there is, and who has a right to it
RIGHTS: dict[str, dict[str, str]] = {
    "tools/call": {
        "numbers_add_numbers": "ana dee", "numbers_note_number": "ana", "numbers_wait_long": "ana",
        "letters_count_letters": "ana ben",
    },
    "prompts/get": {"numbers_sum_up": "ana"},
    "resources/read": {"numbers://digits/1": "ana ben", "letters://alphabet": "ana"},
}  # fmt: skip
KEYS = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
EVERY_NAME = [name for names in RIGHTS.values() for name in names]
ASIDE = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
]
UNKNOWN = [
    "resources/subscribe", "resources/unsubscribe", "tasks/get", "tasks/list", "tasks/cancel",
    "tasks/update", "tasks/result", "sampling/createMessage", "elicitation/create", "roots/list",
    "tools/get", "tools/call/stream", "tools", "Tools/Call", "tools//call", "rpc.discover",
    "prompts/call", "resources/write", "resources/templates/read", "x/y", "io.example/run", "__call__",
    "admin/reload", "policy/set", "completion", "server/call", "notifications/initialized", "$/cancel",
]  # fmt: skip


async def crossed(home: House, person: str, method: str, name: str) -> Any:
    """This name by this method, whatever kind of thing it is the name of."""
    params: dict[str, Any] = {KEYS[method]: name, "arguments": {"of": "x"}}
    if method == "tools/call":
        params["arguments"] = {"wrong": 1}  # who has the right is told so, and nothing is called
    return await home.post(method, params, person=person, headers={"mcp-name": encode_header(name)})


async def test_A06_no_method_reaches_what_the_person_has_no_right_to(
    server: Counted, standing: House, opened: Opened
) -> None:
    letters = standing.servers["letters"]
    letters.seen.clear()
    async with opened(server, letters, extra=WIDE) as home:
        result_of(await home.call(GOOD["name"], GOOD["arguments"]))  # the first takes longer
        server.seen.clear()
        await _crossed_by_everybody(home, server, letters)


async def _crossed_by_everybody(home: House, server: Counted, letters: Counted) -> None:
    async with unharmed(home) as told:
        for person, method, name in product(PEOPLE, RIGHTS, EVERY_NAME):
            answer = told.answer(await crossed(home, person, method, name))
            allowed = person in RIGHTS[method].get(name, "").split()
            if not allowed:
                assert error_of(answer)["code"] == -32602, (person, method, name)
                assert error_of(answer)["message"].startswith("Unknown "), (person, method, name)
                continue
            document = answer.json()
            assert document.get("error", {}).get("message", "")[:7] != "Unknown", (person, name)
            told.let_in += method != "tools/call"
        reached = [*server.seen, *letters.seen]
        for person, method, ask in product(PEOPLE, UNKNOWN, ("post", "legacy")):
            for endpoint in ("", "numbers"):
                params = {"name": GOOD["name"], "uri": "numbers://digits/1", "taskId": "1"}
                # of a task the name is its id, whatever else is given
                named = ask == "post" and method.startswith("tasks/")
                more: Any = {"headers": {"mcp-name": "1"}} if named else {}
                answer = await getattr(home, ask)(
                    method, params, person=person, endpoint=endpoint, **more
                )
                told.hear(answer.content)
                assert error_of(answer)["code"] == -32601, (person, method)
                assert answer.status_code == (404 if ask == "post" else 200)
        for person, kind, name in product(PEOPLE, ("prompt", "resource", "tool"), EVERY_NAME):
            ref = {"type": f"ref/{kind}", "name": name, "uri": name}
            params = {"ref": ref, "argument": {"name": "of", "value": ""}}
            told.hear((await home.post("completion/complete", params, person=person)).content)
        assert [*server.seen, *letters.seen] == reached
        for person, method in product(("cho", "olu"), ASIDE):
            result = result_of(await home.post(method, person=person))
            assert not any(
                result.get(key) for key in ("tools", "prompts", "resources", "instructions")
            )


# --- A08

TASKS = ["tasks/get", "tasks/update", "tasks/cancel", "tasks/list", "tasks/result"]


async def test_A08_where_no_server_has_tasks_no_id_makes_one(home: House) -> None:
    """Whose id it is makes no difference, to a byte."""
    mine = result_of(await home.call(GOOD["name"], GOOD["arguments"]))["_meta"][RECEIPT]
    (intent,) = await home.records(kind="intent")
    ids = [
        intent["rid"], mine["leaf"], str(mine["seq"]), "1", "0", "task-1", "a" * 32, "../1",
        "' OR 1=1", "*", *(str(one) for one in range(20)),
    ]  # fmt: skip
    tasks: Any = {"io.modelcontextprotocol/clientCapabilities": KNOWS}
    async with unharmed(home, records=0) as told:
        seen: dict[tuple[str, str], set[bytes]] = {}
        for person, method, one in product(("ana", "dee"), TASKS, ids):
            params: dict[str, Any] = {"taskId": one, "_meta": tasks}
            modern = await home.post(
                method, params, person=person, headers={"mcp-name": encode_header(one)}
            )
            legacy = await home.legacy(method, params, person=person)
            for era, answer in (("post", modern), ("legacy", legacy)):
                told.hear(answer.content)
                headers = repr(answer.headers.multi_items()).encode()
                whole = str(answer.status_code).encode() + headers + answer.content
                seen.setdefault((method, era), set()).add(whole)
        assert all(len(answers) == 1 for answers in seen.values())
        assert len({frozenset(answers) for answers in seen.values()}) == 2  # one for each era
        offered = result_of(await home.post("server/discover"))["capabilities"]
        assert "extensions" not in offered


async def test_A08_somebody_elses_task_reads_like_one_that_never_was(
    jobs: Jobs, jobs_server: Counted
) -> None:
    """Also to who may use the same tool, and has a task of their own."""
    jobs.changes("slow_compute", roles=frozenset({"analyst", "contractor"}))
    task = await jobs.task("slow_compute", {"seconds": 60})
    own = await jobs.task("slow_compute", {"seconds": 60}, person="dee")
    assert len(task) >= 22  # 128 bits
    jobs_server.seen.clear()
    swapped = task[: len(task) // 2] + own[len(own) // 2 :]
    for method in TASKS[:3]:
        foreign = [
            await jobs.ask(method, {"taskId": one}, person="dee")
            for one in (task, swapped, task[1:], task + "A", "x" * len(task))
        ]
        alike = [without_receipt(answer) for answer in foreign]
        assert all(one == alike[0] for one in alike)
        assert error_of(foreign[0])["message"] == "Unknown task"
    assert jobs_server.seen == []
    refused = await jobs.home.records(decision="deny", person="dee")
    assert len(refused) == 15
    assert (await jobs.get(task))["status"] == "working"
    assert (await jobs.get(own, person="dee"))["status"] == "working"


# --- A20

CLAIMS: list[dict[str, Any]] = [
    {},
    {"io.modelcontextprotocol/clientInfo": {"name": "root", "version": "1"}},
    {"agent": "root", "azp": "root", "act": {"sub": "ana"}, "dev.mcp-in-production/agent": "root"},
    {"user": "ana", "roles": ["analyst"], "sub": "ana", "scope": "*"},
]
CLAIMED = {"x-agent": "root", "x-user": "ana", "x-roles": "analyst", "x-forwarded-user": "ana",
           "x-client-id": "root", "on-behalf-of": "ana"}  # fmt: skip
TOOLS = ["numbers_add_numbers", "numbers_note_number", "numbers_wait_long", "letters_count_letters"]
ALL = Agent(may=["read", "write"], tools=["*"])
AGENTS: dict[str, tuple[dict[str, Agent], set[str]]] = {
    "may everything": ({"mcp-dev-cli": ALL}, set(TOOLS)),
    "may read": (
        {"mcp-dev-cli": Agent(may=["read"], tools=["*"]), "root": ALL},
        set(TOOLS) - {"numbers_note_number"},
    ),
    "may write": (
        {"mcp-dev-cli": Agent(may=["write"], tools=["*"]), "root": ALL}, {"numbers_note_number"}
    ),
    "may letters": (
        {"mcp-dev-cli": Agent(may=["read", "write"], tools=["letters_*"]), "root": ALL},
        {"letters_count_letters"},
    ),
    "is not listed": ({"root": ALL}, set()),
}  # fmt: skip


async def test_A20_what_counts_is_what_both_the_person_and_the_agent_may(
    server: Counted, standing: House, opened: Opened
) -> None:
    letters = standing.servers["letters"]
    letters.seen.clear()
    async with opened(server, letters, extra=WIDE) as home:
        policy = home.gateway.policy
        result_of(await home.call(GOOD["name"], GOOD["arguments"]))
        for name, (agents, agent_may) in AGENTS.items():
            home.gateway.policy = replace(policy, agents=agents)
            async with unharmed(home) as told:
                for person, tool in product(PEOPLE, TOOLS):
                    may = person in RIGHTS["tools/call"][tool].split() and tool in agent_may
                    for claim in (CLAIMS[0], random.choice(CLAIMS[1:])):
                        answer = told.answer(
                            await home.post(
                                "tools/call",
                                {"name": tool, "arguments": {"wrong": 1}, "_meta": claim},
                                person=person, headers=CLAIMED if claim else {},
                            )
                        )  # fmt: skip
                        assert ("result" in answer.json()) is may, (name, person, tool)
                    listed = await home.post("tools/list", person=person)
                    assert (f'"{tool}"' in listed.text) is may, (name, person, tool)
                home.gateway.policy = policy
        reasons = {one["reason"] for one in await home.records(kind="refusal")}
        assert reasons - {"rate_limited"} == {"no_role", "agent_may_not", "unknown_agent"}


# --- A21

PAGES = ["", "calls", "calls/x", "records/x", "policy", "tools", "audit", "connect", "callback",
         "sign-in", "sign-out", "export", "static/look.css"]  # fmt: skip
OPERATORS = ["switches", "blocks", "block", "unblock", "revoke", "reload", "policy/reload", "agents",
             "keys", "ledger", "verify", "drift", "approve", "metrics", "health/detail"]  # fmt: skip


NOISE = {"turned_away", "console_refused"}


@pytest.mark.parametrize("person", [None, "dee", "olu"])
async def test_A21_a_token_for_calls_opens_no_page_and_nothing_of_the_operators(
    home: House, person: str | None
) -> None:
    """Not an operator's own token, either: what they do, they do on the machine."""
    await home.call(GOOD["name"], GOOD["arguments"])  # something that could be shown
    headers = {}
    if person is not None:
        token = home.token(person)
        headers = {"authorization": f"Bearer {token}", "cookie": f"session={token}; token={token}"}
    paths = [f"/console/{one}" for one in (*PAGES, *OPERATORS)]
    paths += [f"{prefix}/{one}" for prefix in ("", "/admin", "/mcp") for one in OPERATORS]
    policy, closed = home.gateway.policy, home.gateway.catalogue.closed
    async with unharmed(home, records=0) as told:
        for verb, path in product(("GET", "POST", "PUT", "DELETE"), [*paths, *ABSENT]):
            answer = await home.http.request(verb, path, headers=headers)
            told.hear(answer.content)
            own = path in {"/console/sign-in", "/console/callback", "/console/static/look.css"}
            asks_to_sign_in = answer.status_code == 200 and "Sign in" in answer.text
            refused = answer.status_code in {302, 303, 307, 400, 401, 403, 404, 405}
            assert refused or asks_to_sign_in or own, (verb, path, answer.status_code)
            assert not any(name in answer.text for name in ("ana", "Ferreira")), path
            assert "add_numbers" not in answer.text
            if answer.status_code in {302, 303, 307} and not own:
                where = answer.headers["location"]
                assert where == "/console/" or "sign-in" in where, path
        # and in the protocol's own form
        for method in ("policy/reload", "admin/block", "switches/list", "audit/records", "metrics"):
            answer = await home.post(method, person=person or "dee")
            assert error_of(answer)["code"] == -32601
    assert home.gateway.policy is policy
    assert home.gateway.catalogue.closed == closed
    assert not [one for one in await home.records(kind="event") if one["reason"] not in NOISE]
