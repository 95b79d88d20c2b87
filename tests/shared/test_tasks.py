"""The Tasks extension as a server has it: SEP-2663, and what it leaves open."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from house.asks import until
from shared import taskbox
from shared.taskdesk import GATEWAY, KNOWS, Desk, desk, prepared

from mcp_shared.tasks import desk as working

BEN = {"sub": "22222222-2222-4222-8222-222222222222", "preferred_username": "ben"}


@pytest_asyncio.fixture
async def jobs(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setenv("JOBS_TASKS_DATABASE_URL", await prepared(database))
    monkeypatch.setenv("JOBS_TASKS_UNFINISHED", "4")
    monkeypatch.setenv("JOBS_TASKS_KEPT", "6")
    monkeypatch.setattr(working, "LEAVE_SECONDS", 0.1)
    taskbox.STARTED.clear()
    taskbox.STOPPED.clear()
    async with desk(database) as made:
        yield made


async def test_what_is_quick_is_answered_at_once_and_leaves_no_row(jobs: Desk) -> None:
    result = await jobs.call("slow_compute", {"seconds": 0, "label": "x"})
    assert result["resultType"] == "complete"
    assert result["content"][0]["text"] == "computed x"
    assert await jobs.sql("SELECT count(*) FROM tasks.task") == 0


async def test_what_takes_longer_becomes_a_task_and_ends_with_its_result(jobs: Desk) -> None:
    begun = await jobs.call("slow_compute", {"seconds": 1, "label": "x"})
    assert begun["resultType"] == "task"
    assert begun["status"] == "working"
    assert begun["ttlMs"] == 600_000
    assert begun["pollIntervalMs"] == 100
    assert not {"task", "result", "requestState", "inputRequests"} & begun.keys()
    assert (await jobs.get(begun["taskId"]))["status"] == "working"
    done = await jobs.until(begun["taskId"], "completed")
    assert done["result"]["content"][0]["text"] == "computed x"
    assert done["taskId"] == begun["taskId"]


async def test_a_client_without_the_extension_waits_for_its_answer(jobs: Desk) -> None:
    result = await jobs.call("slow_compute", {"seconds": 0.6}, can={})
    assert result["resultType"] == "complete"
    assert await jobs.sql("SELECT count(*) FROM tasks.task") == 0


async def test_a_tool_that_must_be_a_task_is_refused_without_the_extension(jobs: Desk) -> None:
    said = await jobs.ask("tools/call", {"name": "failing_job", "arguments": {}}, can={})
    assert said["error"]["code"] == -32021
    assert said["error"]["data"]["requiredCapabilities"] == {
        "extensions": {"io.modelcontextprotocol/tasks": {}}
    }


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_tasks_are_not_spoken_of_with_who_does_not_know_them(jobs: Desk, method: str) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    said = await jobs.ask(method, {"taskId": task}, can={})
    assert said["error"]["code"] == -32021


async def test_a_tools_own_failure_is_completed_and_a_protocols_is_failed(jobs: Desk) -> None:
    tool = await jobs.task("failing_job", {})
    protocol = await jobs.task("protocol_error_job", {})
    done = await jobs.until(tool, "completed", "failed")
    assert (done["status"], done["result"]["isError"]) == ("completed", True)
    failed = await jobs.until(protocol, "completed", "failed")
    assert failed["status"] == "failed"
    assert failed["error"] == {"code": -32603, "message": "The job broke the protocol."}
    assert "result" not in failed


async def test_cancelled_means_stopped_and_is_said_again_without_complaint(jobs: Desk) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    for _ in range(2):
        said = await jobs.ask("tasks/cancel", {"taskId": task})
        assert said["result"].keys() == {"resultType", "_meta"}
    assert (await jobs.get(task))["status"] == "cancelled"
    await until(lambda: taskbox.STOPPED == ["slow_compute"])


async def test_what_is_over_stays_as_it_ended(jobs: Desk) -> None:
    task = await jobs.task("slow_compute", {"seconds": 0.5})
    await jobs.until(task, "completed")
    said = await jobs.ask("tasks/cancel", {"taskId": task})
    assert said["result"]["resultType"] == "complete"
    assert (await jobs.get(task))["status"] == "completed"


async def test_another_persons_task_reads_like_one_that_never_was(jobs: Desk) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        foreign = await jobs.ask(method, {"taskId": task}, **BEN)
        never = await jobs.ask(method, {"taskId": "x" * len(task)})
        assert foreign == never
        assert foreign["error"] == {"code": -32602, "message": "Unknown task"}
    assert (await jobs.get(task))["status"] == "working"


async def test_another_client_of_the_same_person_is_another_owner(jobs: Desk) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    other = GATEWAY.replace("/mcp", "/servers/jobs/mcp")
    said = await jobs.ask("tasks/get", {"taskId": task}, azp=other)
    assert said["error"]["message"] == "Unknown task"


async def test_ids_are_long_and_never_alike(jobs: Desk) -> None:
    ids = {await jobs.task("slow_compute", {"seconds": 9}) for _ in range(4)}
    assert len(ids) == 4
    assert all(len(one) == 43 for one in ids)  # 256 bits


async def test_questions_are_asked_in_the_task_and_their_answers_let_it_go_on(jobs: Desk) -> None:
    task = await jobs.task("confirm_delete", {"filename": "a.txt"})
    asked = await jobs.until(task, "input_required")
    (key,) = asked["inputRequests"]
    assert asked["inputRequests"][key]["method"] == "elicitation/create"
    for answers in ({"made-up": {"action": "accept"}}, {key: {"action": "decline"}}):
        said = await jobs.ask("tasks/update", {"taskId": task, "inputResponses": answers})
        assert said["result"]["resultType"] == "complete"
    done = await jobs.until(task, "completed")
    assert done["result"]["content"][0]["text"] == "a.txt: decline"


async def test_answers_may_come_one_by_one(jobs: Desk) -> None:
    task = await jobs.task("multi_input", {})
    first, second = (await jobs.until(task, "input_required"))["inputRequests"]
    for key, name, left in ((first, "one", {second}), (second, "two", set())):
        answer = {key: {"action": "accept", "content": {"name": name}}}
        await jobs.ask("tasks/update", {"taskId": task, "inputResponses": answer})
        now = await jobs.get(task)
        assert set(now.get("inputRequests", {})) == left
    done = await jobs.until(task, "completed")
    assert done["result"]["content"][0]["text"] == "one, two"


async def test_nothing_is_asked_of_a_client_that_cannot_answer(jobs: Desk) -> None:
    said = await jobs.ask(
        "tools/call", {"name": "confirm_delete", "arguments": {"filename": "a"}},
        can={"extensions": KNOWS["extensions"]},
    )  # fmt: skip
    assert said["error"]["code"] == -32021
    assert said["error"]["data"] == {"requiredCapabilities": {"elicitation": {}}}


async def test_one_person_has_only_so_many_under_way_and_the_work_of_one_more_stops(
    jobs: Desk,
) -> None:
    mine = [await jobs.task("slow_compute", {"seconds": 30}) for _ in range(4)]
    refused = await jobs.call("slow_compute", {"seconds": 31})
    assert refused["isError"]
    assert refused["_meta"]["dev.mcp-in-production/fault"] == {"code": "too_many_tasks"}
    assert taskbox.STOPPED == ["slow_compute"]
    assert await jobs.task("slow_compute", {"seconds": 30}, **BEN)
    await jobs.ask("tasks/cancel", {"taskId": mine[0]})
    assert await jobs.task("slow_compute", {"seconds": 30})


async def test_many_at_once_are_not_more_than_so_many(jobs: Desk) -> None:
    answers = await asyncio.gather(*(jobs.call("slow_compute", {"seconds": 30}) for _ in range(12)))
    assert [one["resultType"] for one in answers].count("task") == 4


async def test_one_person_keeps_only_so_many(jobs: Desk) -> None:
    for _ in range(6):
        task = await jobs.task("slow_compute", {"seconds": 30})
        await jobs.ask("tasks/cancel", {"taskId": task})
    refused = await jobs.call("slow_compute", {"seconds": 30})
    assert refused["_meta"]["dev.mcp-in-production/fault"] == {"code": "too_many_tasks"}


async def test_what_has_expired_says_so_to_its_owner_and_is_gone(jobs: Desk) -> None:
    task = await jobs.task("slow_compute", {"seconds": 0.5, "label": "secret"})
    await jobs.until(task, "completed")
    await jobs.sql("UPDATE tasks.task SET expires_at = now() RETURNING 1")
    said = await jobs.ask("tasks/get", {"taskId": task})
    assert said["error"]["code"] == -32602
    assert said["error"]["data"] == {"dev.mcp-in-production/task": {"reason": "expired"}}
    assert (await jobs.ask("tasks/get", {"taskId": task}, **BEN))["error"] == {
        "code": -32602, "message": "Unknown task",
    }  # fmt: skip
    await kept(jobs, "SELECT ending IS NULL AND call IS NULL FROM tasks.task", then=True)
    assert (await jobs.ask("tasks/get", {"taskId": task})) == said
    await jobs.sql("UPDATE tasks.task SET expires_at = now() - interval '8 days' RETURNING 1")
    await kept(jobs, "SELECT count(*) FROM tasks.task", then=0)
    said = await jobs.ask("tasks/get", {"taskId": task})
    assert said["error"]["message"] == "Unknown task"


async def test_work_stops_when_its_task_expires(jobs: Desk) -> None:
    await jobs.task("slow_compute", {"seconds": 30})
    await jobs.sql("UPDATE tasks.task SET expires_at = now() RETURNING 1")
    await until(lambda: bool(taskbox.STOPPED))


async def test_what_was_asked_for_is_not_kept_longer_than_the_work(jobs: Desk) -> None:
    task = await jobs.task("slow_compute", {"seconds": 0.5, "label": "secret"})
    assert "secret" in await jobs.sql("SELECT call FROM tasks.task")
    await jobs.until(task, "completed")
    assert await jobs.sql("SELECT call FROM tasks.task") is None


async def test_a_result_too_large_to_keep_is_a_failure_the_model_can_mend(jobs: Desk) -> None:
    task = await jobs.task("large", {"seconds": 0.5})
    done = await jobs.until(task, "completed")
    assert done["result"]["isError"]
    assert "narrower" in done["result"]["content"][0]["text"]


async def test_a_server_without_a_database_answers_as_if_it_knew_no_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("JOBS_TASKS_DATABASE_URL", raising=False)
    async with desk("unused") as made:
        result = await made.call("slow_compute", {"seconds": 0.6})
        assert result["resultType"] == "complete"
        said = await made.ask("tasks/get", {"taskId": "x"})
        assert said["error"]["message"] == "Unknown task"


async def test_a_task_that_cannot_be_kept_is_not_begun(
    jobs: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jobs.sql("ALTER TABLE tasks.task RENAME TO elsewhere")
    refused: Any = await jobs.call("slow_compute", {"seconds": 30})
    assert refused["_meta"]["dev.mcp-in-production/fault"] == {"code": "unavailable"}
    assert taskbox.STOPPED == ["slow_compute"]
    await jobs.sql("ALTER TABLE tasks.elsewhere RENAME TO task")


async def kept(jobs: Desk, question: str, *, then: object) -> None:
    async with asyncio.timeout(20):
        while await jobs.sql(question) != then:  # noqa: ASYNC110  the database has no event
            await asyncio.sleep(0.05)


async def test_a_tool_may_ask_before_there_is_a_task(jobs: Desk) -> None:
    first = await jobs.call("test_tool_with_task", {})
    assert first["resultType"] == "input_required"
    assert "taskId" not in first
    given = {"user_name": {"action": "accept", "content": {"name": "Alice"}}}
    params = {
        "name": "test_tool_with_task", "arguments": {}, "inputResponses": given,
        "requestState": first["requestState"],
    }  # fmt: skip
    begun = (await jobs.ask("tools/call", params))["result"]
    assert begun["resultType"] == "task"
    done = await jobs.until(begun["taskId"], "completed")
    assert done["result"]["content"][0]["text"] == "for Alice"
