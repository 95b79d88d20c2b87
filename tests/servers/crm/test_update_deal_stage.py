from typing import Any

import pytest
from sandbox.crm.account import V
from servers.crm.office import Office, given, refused
from servers.crm.wire import Fault, answer

KEY: dict[str, Any] = {"idempotency_key": "stage-0001"}
PATCH = "PATCH /crm/objects/2026-09/deals/"


async def test_a_deal_moves_and_says_where_it_was(office: Office) -> None:
    deal = await office.deal()
    moved = given(
        await office.call("update_deal_stage", deal_id=deal, stage=" contract SENT ", **KEY)
    )
    assert moved == {
        "deal_id": deal,
        "deal_name": "Test valves",
        "previous_stage": "Appointment scheduled",
        "stage": "Contract sent",
        "changed": True,
        "made_before": False,
    }
    assert await office.stage(deal) == "contractsent"


async def test_a_stage_of_another_pipeline_is_refused_with_those_it_has(office: Office) -> None:
    deal = await office.deal()
    said = refused(
        await office.call("update_deal_stage", deal_id=deal, stage="Closed one", **KEY), "invalid"
    )
    assert "Did you mean 'Closed won'?" in said
    assert "Renewed" not in said
    refused(await office.call("update_deal_stage", deal_id=deal, stage="Renewed", **KEY), "invalid")
    assert await office.stage(deal) == "appointmentscheduled"
    assert office.wire.count(PATCH) == 0
    given(await office.call("update_deal_stage", deal_id=deal, stage="Closed won", **KEY))


async def test_a_deal_already_there_stays_there(office: Office) -> None:
    deal = await office.deal("contractsent")
    answer_ = given(
        await office.call("update_deal_stage", deal_id=deal, stage="Contract sent", **KEY)
    )
    assert not answer_["changed"]
    assert office.wire.count(PATCH) == 0


async def test_an_old_key_moves_nothing_again(office: Office) -> None:
    deal = await office.deal()
    move = {"deal_id": deal, "stage": "Contract sent", **KEY}
    first = given(await office.call("update_deal_stage", **move))
    back = {**move, "stage": "Qualified to buy", "idempotency_key": "stage-0002"}
    given(await office.call("update_deal_stage", **back))
    again = given(await office.call("update_deal_stage", **move))
    assert again == {**first, "made_before": True}
    assert await office.stage(deal) == "qualifiedtobuy"
    refused(await office.call("update_deal_stage", **{**move, "stage": "Closed lost"}), "conflict")


@pytest.mark.parametrize("fault", ["lose answer", "answer"])
async def test_an_answer_lost_after_the_deal_moved_is_settled_by_looking(
    office: Office, fault: str
) -> None:
    deal = await office.deal()
    if fault == "lose answer":
        office.wire.faults.append(Fault(PATCH, "lose answer"))
    else:
        office.wire.faults.append(Fault(PATCH, "answer", answer=answer(502)))
    move = {"deal_id": deal, "stage": "Contract sent", **KEY}
    result = await office.call("update_deal_stage", **move)
    if fault == "answer":  # it never arrived, and looking says so
        refused(result, "unavailable")
        result = await office.call("update_deal_stage", **move)
    assert given(result)["changed"]
    assert given(result)["previous_stage"] == "Appointment scheduled"
    assert await office.stage(deal) == "contractsent"


async def test_a_colleague_s_move_is_not_undone_by_a_late_repetition(office: Office) -> None:
    deal = await office.deal()
    office.wire.faults.append(Fault(PATCH, "cut"))
    move = {"deal_id": deal, "stage": "Contract sent", **KEY}
    refused(await office.call("update_deal_stage", **move), "unavailable")
    await office.crm.patch(
        f"/crm/objects/{V}/deals/{deal}", json={"properties": {"dealstage": "closedlost"}}
    )
    refused(await office.call("update_deal_stage", **move), "conflict")
    assert await office.stage(deal) == "closedlost"


@pytest.mark.parametrize("deal_id", ["5", "99999999999999999"])
async def test_an_unknown_deal_is_not_found(office: Office, deal_id: str) -> None:
    refused(
        await office.call("update_deal_stage", deal_id=deal_id, stage="Closed won", **KEY),
        "not_found",
    )


@pytest.mark.parametrize(
    "deal_id",
    ["../admin", "%2e%2e%2f", "1?admin=true", "1#", "1\\", "1&id=2", "", "1" * 19, "a", "１"],
)
async def test_an_id_that_is_none_reaches_no_crm(office: Office, deal_id: str) -> None:
    result = await office.call("update_deal_stage", deal_id=deal_id, stage="Closed won", **KEY)
    assert result.is_error
    assert office.wire.lines == []
