"""A call that will never have an outcome: closed by somebody who looked, on the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from gateway.audit.conftest import Place
from gateway.audit.test_cli import audit

from mcp_gateway.audit import keys
from mcp_gateway.audit.duties.settle import Settled, settle
from mcp_gateway.audit.verify import verify


async def left_open(place: Place, body: dict[str, Any]) -> None:
    """One call of an hour ago without an outcome, one of now, and one that ended as it should."""
    earlier = datetime.now(UTC) - timedelta(hours=1)
    async with place.opened() as ledger:
        await ledger.append("intent", body | {"rid": "lost", "ts": earlier})
        await ledger.append("intent", body | {"rid": "fresh"})
        for kind in ("intent", "outcome"):
            await ledger.append(kind, body | {"rid": "whole", "ts": earlier})


async def settled(place: Place, rid: str | None, minutes: int = 15) -> list[Settled]:
    async with place.opened() as ledger:
        found = await settle(
            place.reader, ledger, rid=rid, why="the CRM shows no change", by="olu", minutes=minutes
        )
    return list(found)


async def findings(place: Place) -> list[str]:
    report = await verify(place.reader, keys.load_public(place.public))
    return [finding.kind for finding in report.findings]


async def test_a_lost_call_is_closed_as_unknown_with_who_and_why(
    place: Place, body: dict[str, Any]
) -> None:
    await left_open(place, body)
    assert await findings(place) == ["OPEN-INTENT"]
    assert await settled(place, "lost") == [Settled("lost", "ana", "warehouse.get_metric")]
    assert await findings(place) == []
    (row,) = await place.rows(
        "SELECT body FROM audit.record WHERE rid = 'lost' AND kind = 'outcome'"
    )
    outcome = orjson.loads(row["body"])
    assert (outcome["status"], outcome["reason"]) == ("unknown", "settled")
    assert outcome["detail"] == {"by": "olu", "why": "the CRM shows no change"}
    assert outcome["person"] == "ana"
    assert "args" not in outcome


async def test_a_call_that_may_be_under_way_and_one_that_ended_are_left_alone(
    place: Place, body: dict[str, Any]
) -> None:
    await left_open(place, body)
    assert await settled(place, "fresh") == []
    assert await settled(place, "whole") == []
    assert [one.rid for one in await settled(place, None)] == ["lost"]
    assert await settled(place, None) == []
    assert await findings(place) == []


async def test_the_verifier_says_how_to_go_on_and_cries_no_wolf(
    place: Place, body: dict[str, Any]
) -> None:
    await left_open(place, body)
    code, out = await audit(place, "verify")
    assert code == 1
    assert "settle --call ID" in out
    assert "stop changing this database" not in out
    await place.sql("UPDATE audit.record SET person = 'ben' WHERE rid = 'whole'")
    code, out = await audit(place, "verify")
    assert code == 1
    assert "stop changing this database" in out


async def test_the_command_says_what_it_needs(place: Place) -> None:
    code, out = await audit(place, "settle", "--reason", "x")
    assert code == 2
    assert "one of the arguments --call --all is required" in out
    code, out = await audit(place, "settle", "--all")
    assert code == 2
    assert "--reason" in out
    code, out = await audit(place, "settle", "--all", "--reason", "x")
    assert code == 2
    assert "GATEWAY_LEDGER_URL is not set" in out
