"""What is said of a task, in the words of the extension (SEP-2663). Pure: no clock, no state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mcp_types import RequestParams
from pydantic import BaseModel, Field

IDENTIFIER = "io.modelcontextprotocol/tasks"
MODERN = "2026-07-28"
GET, UPDATE, CANCEL = "tasks/get", "tasks/update", "tasks/cancel"
# in `error.data` of what its server lost, or kept until its time was over
REASON = "dev.mcp-in-production/task"

Status = Literal["working", "input_required", "completed", "failed", "cancelled"]


class TaskParams(RequestParams):
    task_id: str = Field(max_length=128)


class UpdateParams(TaskParams):
    input_responses: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """One task as its owner may know it; `end` is its result or its error, as JSON text."""

    id: str
    status: Status
    message: str | None
    created: datetime
    updated: datetime
    ttl_ms: int
    poll_ms: int
    end: str | None = None
    # what is still asked for, by key
    requests: Mapping[str, Any] = field(default_factory=dict)


def created(task: Task) -> dict[str, Any]:
    """The answer to a call that became a task: where it is, and nothing of what it found."""
    return {"resultType": "task", **_head(task)}


def detailed(task: Task) -> dict[str, Any]:
    """All there is to know of a task now."""
    said: dict[str, Any] = {"resultType": "complete", **_head(task)}
    if task.status == "input_required":
        said["inputRequests"] = dict(task.requests)
    elif task.status == "completed" and task.end is not None:
        said["result"] = json.loads(task.end)
    elif task.status == "failed" and task.end is not None:
        said["error"] = json.loads(task.end)
    return said


def _head(task: Task) -> dict[str, Any]:
    head: dict[str, Any] = {
        "taskId": task.id,
        "status": task.status,
        "createdAt": task.created.isoformat(timespec="milliseconds"),
        "lastUpdatedAt": task.updated.isoformat(timespec="milliseconds"),
        "ttlMs": task.ttl_ms,
        "pollIntervalMs": task.poll_ms,
    }
    return head if task.message is None else {**head, "statusMessage": task.message}


def dumped(result: BaseModel | Mapping[str, Any] | None) -> dict[str, Any]:
    """A handler's result as it goes over the wire."""
    if isinstance(result, BaseModel):
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dict(result or {})
