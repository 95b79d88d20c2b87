"""Tasks whose process is lost, is stopped, or is another one: what the specification leaves open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
import pytest_asyncio
from house.asks import until
from shared import taskbox
from shared.taskdesk import Desk, desk, prepared

from mcp_shared.tasks import desk as working
from mcp_shared.tasks.migrate import migrate

LOST = "UPDATE tasks.task SET holder = 'another', leased_until = now() - interval '1 s' RETURNING 1"
REASON = "dev.mcp-in-production/task"


@pytest_asyncio.fixture
async def place(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("JOBS_TASKS_DATABASE_URL", await prepared(database))
    monkeypatch.setattr(working, "LEAVE_SECONDS", 0.1)
    taskbox.STARTED.clear()
    taskbox.STOPPED.clear()
    return database


@pytest_asyncio.fixture
async def jobs(place: str) -> AsyncIterator[Desk]:
    async with desk(place) as made:
        yield made


def attempts(tool: str) -> list[int]:
    return [attempt for name, attempt, _, _ in taskbox.STARTED if name == tool]


async def test_a_lost_task_is_worked_on_again_under_the_same_key_for_the_same_person(
    jobs: Desk,
) -> None:
    task = await jobs.task("slow_compute", {"seconds": 1, "label": "x"})
    await jobs.sql(LOST)
    done = await jobs.until(task, "completed", "failed")
    assert done["result"]["content"][0]["text"] == "computed x"
    assert attempts("slow_compute") == [1, 2]
    assert {(key, who) for _, _, key, who in taskbox.STARTED} == {(task, "ana")}
    assert taskbox.STOPPED == ["slow_compute"]  # who lost it does not go on


async def test_a_process_that_was_slow_has_not_lost_its_own_tasks(jobs: Desk) -> None:
    late = "UPDATE tasks.task SET leased_until = now() - interval '1 h' RETURNING 1"
    both = [await jobs.task(tool, {"seconds": 5}) for tool in ("slow_compute", "slow_change")]
    for _ in range(3):
        await jobs.sql(late)
        await asyncio.sleep(0.7)  # through several looks
    for task in both:
        assert (await jobs.until(task, "completed", "failed"))["status"] == "completed"
    assert (attempts("slow_compute"), attempts("slow_change")) == ([1], [1])


async def test_what_must_not_be_repeated_is_not_and_says_what_became_of_it(jobs: Desk) -> None:
    task = await jobs.task("slow_change", {"seconds": 30})
    await jobs.sql(LOST)
    failed = await jobs.until(task, "failed")
    assert failed["error"]["data"] == {REASON: {"reason": "worker_lost"}}
    assert "unknown" in failed["error"]["message"]
    assert attempts("slow_change") == [1]


async def test_after_so_many_attempts_it_fails(jobs: Desk) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    await jobs.sql(LOST.replace("SET", "SET attempt = 3,"))
    failed = await jobs.until(task, "failed")
    assert failed["error"]["data"] == {REASON: {"reason": "worker_lost"}}
    assert attempts("slow_compute") == [1]


async def test_each_further_attempt_waits_a_little_longer(jobs: Desk) -> None:
    task = await jobs.task("slow_compute", {"seconds": 30})
    await jobs.sql(LOST.replace("SET", "SET attempt = 2,"))
    await until(lambda: taskbox.STOPPED == ["slow_compute"])
    assert (await jobs.get(task))["status"] == "working"
    assert attempts("slow_compute") == [1]
    await jobs.sql("UPDATE tasks.task SET leased_until = now() - interval '6 s' RETURNING 1")
    await until(lambda: attempts("slow_compute") == [1, 3])


async def test_what_was_answered_is_not_asked_again(jobs: Desk) -> None:
    task = await jobs.task("multi_input", {})
    first, second = (await jobs.until(task, "input_required"))["inputRequests"]
    answer = {first: {"action": "accept", "content": {"name": "one"}}}
    await jobs.ask("tasks/update", {"taskId": task, "inputResponses": answer})
    await jobs.sql(LOST)
    await until(lambda: attempts("multi_input") == [1, 2])
    asked = await jobs.until(task, "input_required")
    assert set(asked["inputRequests"]) == {second}
    answer = {second: {"action": "accept", "content": {"name": "two"}}}
    await jobs.ask("tasks/update", {"taskId": task, "inputResponses": answer})
    done = await jobs.until(task, "completed")
    assert done["result"]["content"][0]["text"] == "one, two"


async def test_what_is_cancelled_on_one_replica_stops_on_the_other(
    place: str,
) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(desk(place))
        other = await stack.enter_async_context(desk(place))
        task = await one.task("slow_compute", {"seconds": 30})
        assert (await other.get(task))["status"] == "working"
        await other.ask("tasks/cancel", {"taskId": task})
        await until(lambda: taskbox.STOPPED == ["slow_compute"], seconds=10)
        assert (await one.get(task))["status"] == "cancelled"


async def test_an_answer_given_to_one_replica_is_heard_by_the_other(place: str) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(desk(place))
        other = await stack.enter_async_context(desk(place))
        task = await one.task("confirm_delete", {"filename": "a"})
        (key,) = (await other.until(task, "input_required"))["inputRequests"]
        answer = {key: {"action": "accept"}}
        await other.ask("tasks/update", {"taskId": task, "inputResponses": answer})
        done = await other.until(task, "completed")
        assert done["result"]["content"][0]["text"] == "a: accept"


async def test_a_server_that_is_stopped_leaves_what_may_be_repeated_to_the_next(place: str) -> None:
    async with desk(place) as one:
        task = await one.task("slow_compute", {"seconds": 1.5})
    assert taskbox.STOPPED == ["slow_compute"]
    async with desk(place) as next_one:
        await next_one.until(task, "completed")
    assert attempts("slow_compute") == [1, 1]  # being stopped is no failed attempt


async def test_a_server_that_is_stopped_ends_what_must_not_be_repeated(place: str) -> None:
    async with desk(place) as one:
        task = await one.task("slow_change", {"seconds": 30})
    async with desk(place) as next_one:
        failed = await next_one.get(task)
        assert failed["error"]["data"] == {REASON: {"reason": "server_ended"}}
    assert attempts("slow_change") == [1]


async def test_a_server_that_is_stopped_lets_what_is_nearly_done_finish(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "LEAVE_SECONDS", 3)
    async with desk(place) as one:
        task = await one.task("slow_change", {"seconds": 0.8})
    async with desk(place) as next_one:
        assert (await next_one.get(task))["status"] == "completed"


async def test_a_finding_survives_a_database_that_is_away_for_a_moment(
    jobs: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    task = await jobs.task("slow_change", {"seconds": 0.6})
    await jobs.sql("ALTER TABLE tasks.task RENAME TO elsewhere")
    await until(lambda: "tasks unwritten" in caplog.text)
    said = await jobs.ask("tasks/get", {"taskId": task})
    assert said["error"]["code"] == -32603
    await jobs.sql("ALTER TABLE tasks.elsewhere RENAME TO task")
    assert (await jobs.until(task, "completed"))["result"]["content"][0]["text"] == "changed"


async def test_migrating_again_changes_nothing_and_the_login_can_do_no_more_than_it_must(
    jobs: Desk, place: str
) -> None:
    task = await jobs.task("slow_change", {"seconds": 0.5})
    login = await prepared(place)
    await migrate(place, login)
    assert (await jobs.until(task, "completed"))["taskId"] == task
    db = await asyncpg.connect(login)
    try:
        for statement in (
            "DROP TABLE tasks.task",
            "CREATE TABLE tasks.other ()",
            "TRUNCATE tasks.task",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)
    finally:
        await db.close()
