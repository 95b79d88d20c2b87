"""Tasks through the gateway: bound, decided anew, recorded once."""

import asyncio

import pytest
from house.asks import error_of, until, without_receipt
from house.backends import Counted
from house.house import RECEIPT, House
from house.jobs import CAPABILITIES, EXTENSION, Jobs
from shared import taskbox

from mcp_gateway.configuration.settings import Rate

UNKNOWN = {"code": -32602, "message": "Unknown task"}


async def test_a_call_becomes_a_task_and_its_end_is_on_the_record_once(jobs: Jobs) -> None:
    begun = await jobs.call("slow_compute", {"seconds": 0.6, "label": "x"})
    assert begun["resultType"] == "task"
    assert begun["_meta"][RECEIPT]["leaf"]
    task = begun["taskId"]
    done = await jobs.until(task, "completed")
    assert done["result"]["content"][0]["text"] == "computed x"
    assert done["taskId"] == task
    again = await jobs.get(task)
    assert again["_meta"][RECEIPT] == done["_meta"][RECEIPT]
    records = await jobs.home.records()
    assert [(one["method"], one.get("status")) for one in records] == [
        ("tools/call", None), ("tools/call", "ok"), ("tasks/get", None), ("tasks/get", "ok"),
    ]  # fmt: skip
    creation, end = records[1], records[3]
    assert creation["reason"] == "task"
    assert {one["tool"] for one in records} == {"slow_compute"}
    # what ended belongs to the call that began it
    assert records[2]["args"] == {"call": creation["rid"]}
    assert end["answer_sha256"] != creation["answer_sha256"]


async def test_the_id_of_the_server_never_leaves_and_the_clients_never_enters(
    jobs: Jobs, jobs_server: Counted
) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    await jobs.get(task)
    (asked,) = jobs_server.of("tasks/get")
    own = asked["params"]["taskId"]
    assert own != task
    assert own not in task
    header = next(h for h, body in jobs_server.seen if h.get("mcp-method") == "tasks/get")[
        "mcp-name"
    ]
    assert header == own
    assert await jobs.home.records(tool=task) == []


async def test_a_client_that_does_not_know_tasks_gets_its_answer(
    jobs: Jobs, jobs_server: Counted
) -> None:
    result = await jobs.call("slow_compute", {"seconds": 0.6}, can={})
    assert result["resultType"] == "complete"
    (sent,) = jobs_server.calls
    assert sent["params"]["_meta"][CAPABILITIES] == {}


async def test_an_older_client_is_served_without_tasks(jobs: Jobs) -> None:
    arguments = {"name": "jobs_slow_compute", "arguments": {"seconds": 0.6}}
    answer = await jobs.home.legacy("tools/call", {**arguments, "task": {"ttl": 60_000}})
    assert answer.json()["result"]["content"][0]["text"] == "computed "
    answer = await jobs.home.legacy("tasks/get", {"taskId": "x"})
    assert answer.json()["error"]["code"] == -32601
    answer = await jobs.home.legacy("tools/call", {"name": "jobs_failing_job", "arguments": {}})
    assert answer.json()["result"]["isError"]
    answer = await jobs.home.legacy("initialize", {"protocolVersion": "2025-11-25"})
    assert "extensions" not in answer.json()["result"]["capabilities"]


async def test_the_extension_is_advertised_where_a_server_has_it(jobs: Jobs) -> None:
    for endpoint in ("", taskbox.NAME):
        answer = await jobs.home.post("server/discover", {}, endpoint=endpoint)
        assert answer.json()["result"]["capabilities"]["extensions"] == {EXTENSION: {}}


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_an_undeclared_extension_is_named_as_what_is_missing(jobs: Jobs, method: str) -> None:
    answer = await jobs.ask(method, {"taskId": "x"}, can={})
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["code"] == -32021
    assert error["data"]["requiredCapabilities"] == {"extensions": {EXTENSION: {}}}


@pytest.mark.parametrize("method", ["tasks/list", "tasks/result", "tasks/delete"])
async def test_there_is_no_other_method_of_tasks(jobs: Jobs, method: str) -> None:
    answer = await jobs.ask(method, {"taskId": "x"})
    assert (answer.status_code, error_of(answer)["code"]) == (404, -32601)


async def test_a_house_without_tasks_knows_no_such_method(home: House) -> None:
    answer = await Jobs(home).ask("tasks/get", {"taskId": "x"})
    assert (answer.status_code, error_of(answer)["code"]) == (404, -32601)
    answer = await home.post("server/discover", {})
    assert "extensions" not in answer.json()["result"]["capabilities"]


async def test_header_and_body_name_one_task(jobs: Jobs) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    for header in ("another", None):
        answer = await jobs.home.post(
            "tasks/get", {"taskId": task, "_meta": {CAPABILITIES: {"extensions": {EXTENSION: {}}}}},
            headers={"mcp-name": header},
        )  # fmt: skip
        assert (answer.status_code, error_of(answer)["code"]) == (400, -32020)


async def test_foreign_tampered_and_guessed_ids_read_alike(
    jobs: Jobs, jobs_server: Counted
) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    at = len(task) // 2
    tampered = task[:at] + ("A" if task[at] != "A" else "B") + task[at + 1 :]
    jobs_server.seen.clear()
    answers = []
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        answers += [
            await jobs.ask(method, {"taskId": "guessed"}),
            await jobs.ask(method, {"taskId": tampered}),
            await jobs.ask(method, {"taskId": task[:-1]}),
            await jobs.ask(method, {"taskId": "x" * 4000}),
            await jobs.ask(method, {"taskId": task}, person="ben"),
        ]
    alike = [without_receipt(one) for one in answers]
    assert all(one == alike[0] for one in alike)
    assert alike[0][2]["error"] == {**UNKNOWN, "data": {}}
    assert jobs_server.seen == []  # none of it leaves
    refused = await jobs.home.records(decision="deny")
    assert {one["reason"] for one in refused} == {"not_theirs_or_none"}
    assert len(refused) == 15
    assert (await jobs.get(task))["status"] == "working"


async def test_an_id_serves_only_its_own_endpoint(jobs: Jobs) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30}, endpoint=taskbox.NAME)
    found = await jobs.get(task, endpoint=taskbox.NAME)
    assert found["status"] == "working"
    # the server knows the caller by endpoint: there, it is another one's
    assert error_of(await jobs.ask("tasks/get", {"taskId": task}))["message"] == "Unknown task"


async def test_a_right_withdrawn_meanwhile_ends_all_use_of_the_task(
    jobs: Jobs, jobs_server: Counted
) -> None:
    task = await jobs.task("slow_compute", {"seconds": 0.5})
    await jobs.until(task, "completed")
    jobs.changes("slow_compute", roles=frozenset({"support"}))
    jobs_server.seen.clear()
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        assert error_of(await jobs.ask(method, {"taskId": task}))["message"] == "Unknown task"
    assert jobs_server.seen == []
    refused = await jobs.home.records(decision="deny")
    assert [(one["tool"], one["reason"]) for one in refused] == [("slow_compute", "no_role")] * 3


async def test_a_tool_that_may_not_have_tasks_any_more_has_none(jobs: Jobs) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    jobs.changes("slow_compute", task=None)
    assert error_of(await jobs.ask("tasks/get", {"taskId": task}))["message"] == "Unknown task"
    result = await jobs.call("slow_compute", {"seconds": 0.5})
    assert result["resultType"] == "complete"


async def test_a_closed_tool_shows_nothing_of_its_tasks(jobs: Jobs) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    jobs.home.gateway.catalogue.close(frozenset({"jobs_slow_compute"}))
    answer = await jobs.ask("tasks/get", {"taskId": task})
    assert (answer.status_code, error_of(answer)["code"]) == (503, -31503)


async def test_the_policy_bounds_how_long_a_task_lives(jobs: Jobs) -> None:
    jobs.changes("slow_compute", task=60.0)
    begun = await jobs.call("slow_compute", {"seconds": 30})
    assert begun["ttlMs"] == 60_000  # the server would keep it for 600 s
    assert (await jobs.get(begun["taskId"]))["ttlMs"] == 60_000


async def test_an_expired_task_says_so_to_its_owner_alone(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert jobs.home.gateway.edge is not None
    tasks = jobs.home.gateway.edge.pipeline.tasks
    assert tasks is not None
    task = await jobs.task("slow_compute", {"seconds": 0.5})
    now = tasks.clock()
    monkeypatch.setattr(tasks, "clock", lambda: now + 602)
    error = error_of(await jobs.ask("tasks/get", {"taskId": task}))
    assert (error["code"], "expired" in error["message"]) == (-32602, True)
    foreign = error_of(await jobs.ask("tasks/get", {"taskId": task}, person="ben"))
    assert foreign["message"] == "Unknown task"


async def test_cancelled_through_the_gateway_means_stopped_and_each_time_on_the_record(
    jobs: Jobs,
) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    for _ in range(2):
        answer = await jobs.cancel(task)
        assert answer.json()["result"].keys() == {"resultType", "_meta"}
    await until(lambda: taskbox.STOPPED == ["slow_compute"], seconds=10)
    done = await jobs.get(task)
    assert done["status"] == "cancelled"
    assert "result" not in done
    methods = [one["method"] for one in await jobs.home.records(status="ok")]
    assert methods == ["tools/call", "tasks/cancel", "tasks/cancel"]
    (end,) = await jobs.home.records(method="tasks/get", status="cancelled")
    assert end["tool"] == "slow_compute"
    await jobs.cancel(task)
    assert (await jobs.get(task))["status"] == "cancelled"


async def test_questions_pass_to_who_can_answer_and_answers_are_on_the_record(jobs: Jobs) -> None:
    task = await jobs.task("confirm_delete", {"filename": "a.txt"})
    asked = await jobs.until(task, "input_required")
    (key,) = asked["inputRequests"]
    deaf = await jobs.ask("tasks/get", {"taskId": task}, can={"extensions": {EXTENSION: {}}})
    assert error_of(deaf)["code"] == -32021
    answers = {key: {"action": "accept", "content": {"confirm": True}}, "made-up": 1}
    answer = await jobs.ask("tasks/update", {"taskId": task, "inputResponses": answers})
    assert answer.json()["result"].keys() == {"resultType", "_meta"}
    done = await jobs.until(task, "completed")
    assert done["result"]["content"][0]["text"] == "a.txt: accept"
    (intent,) = [one for one in await jobs.home.records(method="tasks/update") if "args" in one]
    assert intent["args"]["answered"] == {key: "accept", "made-up": "?"}


async def test_failures_are_on_the_record_as_what_they_are(jobs: Jobs) -> None:
    tool = await jobs.task("failing_job", {})
    protocol = await jobs.task("protocol_error_job", {})
    assert (await jobs.until(tool, "completed"))["result"]["isError"]
    failed = await jobs.until(protocol, "failed")
    assert failed["error"]["code"] == -32603
    ends = await jobs.home.records(method="tasks/get")
    assert [one["status"] for one in ends if "status" in one] == ["tool_error", "failed"]


async def test_no_record_no_end(jobs: Jobs) -> None:
    task = await jobs.task("slow_compute", {"seconds": 1})
    assert jobs.home.gateway.ledger is not None
    await jobs.home.gateway.ledger.aclose()
    answer = await jobs.ask("tasks/get", {"taskId": task})
    assert answer.json()["result"]["status"] == "working"
    async with asyncio.timeout(10):
        while answer.status_code == 200:
            assert "computed" not in answer.text
            answer = await jobs.ask("tasks/get", {"taskId": task})
    assert answer.status_code == 503
    assert "computed" not in answer.text


async def test_polls_have_a_limit_of_their_own_and_leave_no_record(jobs: Jobs) -> None:
    jobs.changes("slow_compute", rate=Rate(calls=2, seconds=60))
    task = await jobs.task("slow_compute", {"seconds": 30})
    statuses = [(await jobs.ask("tasks/get", {"taskId": task})).status_code for _ in range(25)]
    assert statuses.count(200) == 20  # ten for each call
    assert set(statuses) == {200, 429}
    methods = {one["method"] for one in await jobs.home.records() if "method" in one}
    assert methods == {"tools/call"}
    assert await jobs.task("slow_compute", {"seconds": 30})  # calls are counted apart


async def test_guesses_are_as_slow_as_other_names_that_lead_nowhere(jobs: Jobs) -> None:
    statuses = [
        (await jobs.ask("tasks/get", {"taskId": f"guess-{n}"})).status_code for n in range(40)
    ]
    assert statuses.count(400) == 30
    assert statuses.count(429) == 10


async def test_ten_thousand_tasks_of_one_person_are_refused(jobs: Jobs) -> None:
    """The same bound for any number: eight under way, by the server's own count."""
    kinds = []
    for _ in range(12):
        result = await jobs.call("slow_compute", {"seconds": 60})
        kinds.append("error" if result.get("isError") else result["resultType"])
    assert kinds == ["task"] * 8 + ["error"] * 4
    reasons = [one["reason"] for one in await jobs.home.records(status="tool_error")]
    assert reasons == ["too_many_tasks"] * 4
