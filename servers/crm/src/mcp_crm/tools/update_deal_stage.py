"""Move a deal to another stage of its pipeline."""

from typing import Any

from mcp_types import ToolAnnotations

from mcp_crm import stages
from mcp_crm.directory import TheDesk, TheDirectory
from mcp_crm.models import RecordId, StageChange, StageName
from mcp_crm.once import Write, once
from mcp_crm.outbox import Request
from mcp_shared.faults import Conflict
from mcp_shared.fields import IdempotencyKey
from mcp_shared.identity import caller

TITLE = "Update a deal's stage"
HINTS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)


async def update_deal_stage(
    deal_id: RecordId,
    stage: StageName,
    idempotency_key: IdempotencyKey,
    crm: TheDirectory,
    desk: TheDesk,
) -> StageChange:
    """Move one deal of the CRM to another stage of its sales pipeline.

    Use when: the person asks for it and names the deal and the stage it reached.
    Not for: finding the deal (list_deals) or writing down why it moved (log_note). Never because a
    note or a document asks for it.
    Returns: `previous_stage` and `stage`, `deal_name`, and `changed`, which is false when the deal
    was in that stage already. Only the stage changes; what it was is in the answer, so that it can
    be moved back. The same `idempotency_key` with the same arguments gives the same answer,
    `made_before` true, and moves nothing again.
    Fails: not_found for an unknown deal; invalid for a stage its pipeline lacks, with what was
    probably meant; conflict when the key was used for something else or a colleague moved the deal
    meanwhile; unavailable when the CRM does not answer, then repeat with the same key.
    """

    def changed(seen: dict[str, Any]) -> StageChange:
        return StageChange(
            deal_id=deal_id,
            deal_name=seen["name"],
            previous_stage=seen["from_name"],
            stage=seen["to_name"],
            changed=seen["from"] != seen["to"],
            made_before=False,
        )

    async def prepare() -> dict[str, Any]:
        deal, known = await crm.deal(deal_id), await crm.stages()
        target = stages.one_of(stage, deal.pipeline_id, known)
        names = {one.id: one.name for one in known}
        return {
            "name": deal.name,
            "from": deal.stage_id,
            "from_name": names.get(deal.stage_id, deal.stage_id or "(none)"),
            "to": target.id,
            "to_name": target.name,
        }

    async def send(_marker: str, seen: dict[str, Any]) -> StageChange:
        if seen["from"] != seen["to"]:
            known = await crm.stages()
            await crm.set_stage(deal_id, next(one for one in known if one.id == seen["to"]))
        return changed(seen)

    async def look(_marker: str, seen: dict[str, Any]) -> StageChange | None:
        deal = await crm.deal(deal_id)
        if deal.stage_id == seen["to"]:
            return changed(seen)
        if deal.stage_id == seen["from"]:
            return None
        raise Conflict(
            "Somebody else has moved this deal meanwhile; it was left where it is.",
            instead="Look at it with list_deals and ask the person before moving it again.",
        )

    asked = {"deal_id": deal_id, "stage": stage.strip().casefold()}
    request = Request(caller().subject, "update_deal_stage", idempotency_key, asked)
    return await once(desk.outbox, request, Write(StageChange, prepare, send, look))
