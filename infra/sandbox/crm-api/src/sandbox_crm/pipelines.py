"""The account's pipelines: which stages deals and tickets go through, and which of them close."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MADE = "2025-01-06T09:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    label: str
    probability: float
    closed: bool = False

    @property
    def won(self) -> bool:
        return self.closed and self.probability == 1


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    stages: tuple[Stage, ...]

    def stage(self, stage_id: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.id == stage_id), None)


PIPELINES: Mapping[str, tuple[Pipeline, ...]] = {
    "deals": (
        Pipeline("default", "Sales Pipeline", (
            Stage("appointmentscheduled", "Appointment scheduled", 0.2),
            Stage("qualifiedtobuy", "Qualified to buy", 0.4),
            Stage("presentationscheduled", "Presentation scheduled", 0.6),
            Stage("decisionmakerboughtin", "Decision maker bought-in", 0.8),
            Stage("contractsent", "Contract sent", 0.9),
            Stage("closedwon", "Closed won", 1, closed=True),
            Stage("closedlost", "Closed lost", 0, closed=True),
        )),
        # stages an administrator adds get numbers for ids, which is why nobody may guess them
        Pipeline("71004210", "Renewals", (
            Stage("104001", "Renewal due", 0.5),
            Stage("104002", "Quote sent", 0.7),
            Stage("104003", "Renewed", 1, closed=True),
            Stage("104004", "Lapsed", 0, closed=True),
        )),
    ),
    "tickets": (
        Pipeline("0", "Support Pipeline", (
            Stage("1", "New", 0),
            Stage("2", "Waiting on contact", 0),
            Stage("3", "Waiting on us", 0),
            Stage("4", "Closed", 1, closed=True),
        )),
    ),
}  # fmt: skip


def pipeline(object_type: str, pipeline_id: str) -> Pipeline | None:
    return next((p for p in PIPELINES.get(object_type, ()) if p.id == pipeline_id), None)


def pipeline_of_stage(object_type: str, stage_id: str) -> Pipeline | None:
    return next((p for p in PIPELINES.get(object_type, ()) if p.stage(stage_id)), None)


def stage_wire(object_type: str, stage: Stage, order: int) -> dict[str, Any]:
    metadata = (
        {"isClosed": str(stage.closed).lower(), "probability": str(float(stage.probability))}
        if object_type == "deals"
        else {"ticketState": "CLOSED" if stage.closed else "OPEN"}
    )
    return {
        "id": stage.id,
        "label": stage.label,
        "displayOrder": order,
        "metadata": metadata,
        "createdAt": MADE,
        "updatedAt": MADE,
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def pipeline_wire(object_type: str, one: Pipeline, order: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "label": one.label,
        "displayOrder": order,
        "stages": [stage_wire(object_type, stage, n) for n, stage in enumerate(one.stages)],
        "createdAt": MADE,
        "updatedAt": MADE,
        "archived": False,
    }
