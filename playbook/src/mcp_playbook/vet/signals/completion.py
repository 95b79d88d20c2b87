"""Whether it does your work: the share of your own tasks that were completed with it.

Reads results, runs nothing: the tasks are made and judged where your data is.
"""

import math
from collections.abc import Sequence
from typing import Any

from mcp_playbook.vet.record import Record, Source
from mcp_playbook.vet.rubric import MAXIMA, Exclusion, Part, Signal, known, unknown
from mcp_playbook.vet.steps import RUN_TASKS

NAME = "completion on your tasks"
FEWEST = 10  # below that one task decides too much
TRUSTED = 0.8  # below that, not trusted whatever the sum


def signal(record: Record) -> Signal:
    return Signal(NAME, (_part(record),))


def _part(record: Record) -> Part:
    maximum = MAXIMA[NAME]
    source = record.get("tasks")
    if source is None:
        why = record.why("tasks", "no results were given")
        return unknown(NAME, maximum, why, do=RUN_TASKS)
    if trouble := _trouble(record, source):
        return unknown(NAME, maximum, trouble, do=RUN_TASKS)
    tasks = source.data["tasks"]
    share = _share(tasks)
    return known(NAME, maximum, maximum * share, _told(tasks), source)


def exclusion(record: Record) -> Exclusion:
    name = "completion below 80 %"
    source = record.get("tasks")
    if source is None or (trouble := _trouble(record, source)):
        why = record.why("tasks", "no results were given") if source is None else trouble
        return Exclusion(name, "unknown", why, next=RUN_TASKS)
    tasks = source.data["tasks"]
    state = "clear" if _share(tasks) >= TRUSTED else "found"
    return Exclusion(name, state, _told(tasks), source.source, source.fetched)  # type: ignore[arg-type]


def _trouble(record: Record, source: Source) -> str:
    """Why results say nothing about the audited server; empty when they do."""
    data, wanted = source.data, record.subject.version
    if len(data["tasks"]) < FEWEST:
        return f"{len(data['tasks'])} tasks, {FEWEST} are needed"
    if wanted and data.get("version") != wanted:
        return f"measured with version {data.get('version')}, {wanted} is audited"
    return ""


def _share(tasks: Sequence[dict[str, Any]]) -> float:
    return sum(bool(task["completed"]) for task in tasks) / len(tasks)


def _told(tasks: Sequence[dict[str, Any]]) -> str:
    low, high = interval(sum(bool(task["completed"]) for task in tasks), len(tasks))
    done = sum(bool(task["completed"]) for task in tasks)
    return f"{done} of {len(tasks)} completed ({low:.0%} to {high:.0%} with 95 % confidence)"


def interval(done: int, of: int) -> tuple[float, float]:
    """Wilson's interval at 95 %: what so few tasks can tell."""
    z = 1.96
    share = done / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
