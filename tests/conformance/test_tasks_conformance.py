"""The official suite's scenarios of the Tasks extension, through the gateway.

They belong to no requirement set, so no exit status speaks for them unless each is named.
"""

from pathlib import Path

import pytest
from conformance.conftest import Stage
from conformance.suite import Suite
from conformance.worth import MODERN
from shared import taskbox

# how many checks each makes: one that makes none passes, too
SCENARIOS = {
    "tasks-lifecycle": 7,
    "tasks-capability-negotiation": 4,
    "tasks-wire-fields": 3,
    "tasks-request-state-removal": 2,
    "tasks-mrtr-input": 3,
    "tasks-request-headers": 4,
    "tasks-dispatch-and-envelope": 8,
    "tasks-required-task-error": 2,
    "tasks-mrtr-composition": 1,
}
# says of itself that it waits to be rewritten: it makes no check
EMPTY = {"tasks-status-notifications"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
async def test_a_scenario_of_tasks_passes_through_the_gateway(
    scenario: str, jobs_stage: Stage, official: Suite, tmp_path: Path
) -> None:
    jobs_stage.server.seen.clear()
    report = await official.alone(jobs_stage.url, scenario, MODERN, tmp_path / "out", "--force")
    assert report.status == 0, report.output[-6000:]
    assert set(report.scenarios) == {scenario}
    found = report.scenarios[scenario]
    assert not found["FAILURE"], report.output[-6000:]
    assert not found["WARNING"], report.output[-6000:]
    assert not found["SKIPPED"], report.output[-6000:]
    assert found["SUCCESS"] >= SCENARIOS[scenario]
    # a pass is worth something only where the server behind the gateway took part
    assert jobs_stage.used & taskbox.NAMES


async def test_a_scenario_that_is_not_forced_is_skipped_and_ends_well(
    jobs_stage: Stage, official: Suite, tmp_path: Path
) -> None:
    """The trap: why each scenario above is named, forced, and its checks counted."""
    report = await official.alone(jobs_stage.url, "tasks-lifecycle", MODERN, tmp_path / "out")
    assert report.status == 0
    assert not any(found["SUCCESS"] for found in report.scenarios.values())


async def test_without_a_right_to_any_of_its_tools_no_task_passes(
    jobs_stage: Stage, official: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_stage, "person", "ben")
    report = await official.alone(
        jobs_stage.url, "tasks-lifecycle", MODERN, tmp_path / "out", "--force"
    )
    assert report.status == 1
    assert report.scenarios["tasks-lifecycle"]["FAILURE"]


async def test_the_suite_has_no_scenario_of_tasks_beyond_these(official: Suite) -> None:
    listed = (official.script.parents[1] / "requirements" / f"{MODERN}.yaml").read_text("utf-8")
    named = {
        line.partition(":")[2].strip() for line in listed.splitlines() if "scenario: tasks-" in line
    }
    assert named == SCENARIOS.keys() | EMPTY
