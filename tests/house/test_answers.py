"""What answers carry, where they come by another way than a call's own."""

import pytest
from house.jobs import Jobs

from mcp_gateway.rights.policy_file import Answers

KEY = "AKIAIOSFODNN7EXAMPLE"


async def test_u08_a_secret_in_the_end_of_a_task_is_cut_out_and_told_on_the_record(
    jobs: Jobs,
) -> None:
    task = await jobs.task("slow_compute", {"seconds": 0.6, "label": KEY})
    done = await jobs.until(task, "completed")
    assert done["result"]["content"][0]["text"] == "computed [redacted: aws_key]"
    *_, end = await jobs.home.records(method="tasks/get")
    assert (end["status"], end["inspected"]["count"]) == ("ok", 1)


@pytest.mark.parametrize("how", ["redact", "block"])
async def test_u08_a_task_is_inspected_by_the_terms_of_its_tool(jobs: Jobs, how: str) -> None:
    jobs.changes("slow_compute", answers=Answers.model_validate({"secrets": how}))
    task = await jobs.task("slow_compute", {"seconds": 0.6, "label": KEY})
    text = ""
    for _ in range(200):
        answer = await jobs.ask("tasks/get", {"taskId": task})
        text += answer.text
        if '"working"' not in answer.text:
            break
    assert KEY not in text
    assert ("[redacted: aws_key]" in text) is (how == "redact")
