"""What is on the record of tasks: every line of the page is asked for."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attacks import test_ledger_paths as paths
from house.jobs import Jobs

from mcp_gateway.configuration.settings import Rate

LOST = "UPDATE tasks.task SET holder = 'another', leased_until = now() - interval '1 s'"
Ask = Callable[[Jobs, str], Awaitable[Any]]


async def under_way(jobs: Jobs) -> str:
    return await jobs.task("slow_change", {"seconds": 30})


async def over(jobs: Jobs, tool: str = "slow_change") -> str:
    """Over, and not looked at yet."""
    task = await jobs.task(tool, {"seconds": 0.4} if tool == "slow_change" else {})
    await jobs.table("SELECT status = 'completed' FROM tasks.task", until=True)
    return task


async def read(jobs: Jobs) -> str:
    await jobs.get(task := await over(jobs))
    return task


async def asking(jobs: Jobs) -> str:
    task = await jobs.task("confirm_delete", {"filename": "a"})
    await jobs.until(task, "input_required")
    return task


async def lost(jobs: Jobs) -> str:
    task = await under_way(jobs)
    await jobs.table(LOST)
    await jobs.table("SELECT status = 'failed' FROM tasks.task", until=True)
    return task


async def cancelled(jobs: Jobs) -> str:
    await jobs.cancel(task := await under_way(jobs))
    return task


async def forbidden(jobs: Jobs) -> str:
    task = await under_way(jobs)
    jobs.changes("slow_change", roles=frozenset({"support"}))
    return task


async def late(jobs: Jobs) -> str:
    task = await under_way(jobs)
    await jobs.table("UPDATE tasks.task SET expires_at = now()")
    return task


async def eager(jobs: Jobs) -> str:
    jobs.changes("slow_change", rate=Rate(calls=1, seconds=60))
    task = await under_way(jobs)
    for _ in range(10):
        await jobs.get(task)
    return task


async def got(jobs: Jobs, task: str) -> Any:
    return await jobs.ask("tasks/get", {"taskId": task})


async def answered(jobs: Jobs, task: str) -> Any:
    given = {"1-sure": {"action": "accept"}}
    return await jobs.ask("tasks/update", {"taskId": task, "inputResponses": given})


async def begun(jobs: Jobs, _: str) -> Any:
    return await under_way(jobs)


async def nothing(_: Jobs) -> str:
    return "guess"


# what was before, and what is asked then
ASKED: dict[str, tuple[Callable[[Jobs], Awaitable[str]], Ask]] = {
    "a call became one": (nothing, begun),
    "it was looked at, under way": (under_way, got),
    "what it ended with was read": (over, got),
    "the same was read again": (read, got),
    "it had ended as a tool says no": (lambda jobs: over(jobs, "failing_job"), got),
    "its process was lost, and it writes": (lost, got),
    "its question was answered": (asking, answered),
    "it was cancelled": (under_way, lambda jobs, task: jobs.cancel(task)),
    "its end was read after that": (cancelled, got),
    "its id is another's, or none": (nothing, got),
    "the right to its tool is withdrawn": (forbidden, got),
    "its time is over": (late, got),
    "it was asked for too often": (eager, got),
}


@pytest.mark.parametrize("line", ASKED)
async def test_what_is_done_with_a_task_is_on_the_record_as_the_page_says(
    jobs: Jobs, line: str
) -> None:
    before, ask = ASKED[line]
    task = await before(jobs)
    jobs.home.mark += len(await jobs.home.records())
    await ask(jobs, task)
    said = paths.lines()[line]
    expected = said.split(", ") if said else []
    found = await jobs.home.settled(len(expected))
    assert [paths.spelt(one, said) for one in found] == expected
