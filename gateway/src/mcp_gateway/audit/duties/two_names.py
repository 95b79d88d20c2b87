"""What takes two people: one proposes, another approves within a week; both are on the record.

A proposal is an event in the ledger. Approving proves it first, by signature: a row that a
database's owner made up proposes nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import uuid4

import orjson

from mcp_gateway.audit import reader
from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.lookup import verify_entry

Action = Literal["erase", "retire"]

GOOD_FOR: Final = timedelta(days=7)

_PROPOSALS = """
    SELECT seg, seq, body FROM audit.record
    WHERE kind = 'event' AND reason = $1 AND ts >= $2 AND position($3::bytea IN body) > 0
"""
_APPROVED = """
    SELECT body FROM audit.record
    WHERE kind = 'event' AND reason = $1 AND ts >= $2 AND position($3::bytea IN body) > 0
"""
# `operator` says who somebody is as what, and on which machine: that makes nobody a second person
_ROLE_AND_MACHINE = re.compile(r" (?:as|on) ")


class NotApprovedError(Exception):
    """The second name is missing, is the first one again, or approves something else."""


@dataclass(frozen=True, slots=True)
class Approval:
    proposal: str
    proposed_by: str
    approved_by: str


async def propose(ledger: Ledger, action: Action, scope: Mapping[str, Any], by: str) -> str:
    """Put it on the record; answers the proposal's number for the second person."""
    number = uuid4().hex[:12]
    detail = {"proposal": number, "scope": dict(scope), "by": by}
    await ledger.append("event", {"reason": f"{action}_proposed", "detail": detail})
    return number


async def approve(
    ledger: Ledger,
    reader_url: str,
    keys: Keys,
    action: Action,
    scope: Mapping[str, Any],
    *,
    proposal: str,
    by: str,
) -> Approval:
    """Put the second name on the record.

    Raises:
        NotApprovedError: there is no such proposal, or it is not for these two to carry out.

    """
    first = await _proposed(reader_url, keys, action, proposal)
    if first["scope"] != orjson.loads(orjson.dumps(dict(scope))):
        raise NotApprovedError(f"proposal {proposal} is for something else: {first['scope']}")
    if person(first["by"]) == person(by):
        raise NotApprovedError(f"{by} has proposed it; somebody else has to approve")
    detail = {"proposal": proposal, "scope": dict(scope), "proposed_by": first["by"], "by": by}
    await ledger.append("event", {"reason": f"{action}_approved", "detail": detail})
    return Approval(proposal, str(first["by"]), by)


def person(by: str) -> str:
    return _ROLE_AND_MACHINE.split(by, maxsplit=1)[0]


async def _proposed(reader_url: str, keys: Keys, action: Action, proposal: str) -> dict[str, Any]:
    since, number = datetime.now(UTC) - GOOD_FOR, proposal.encode()
    async with reader.session(reader_url) as connection:
        rows = await connection.fetch(_PROPOSALS, f"{action}_proposed", since, number)
        used = await connection.fetch(_APPROVED, f"{action}_approved", since, number)
    if any(_detail(row["body"]).get("proposal") == proposal for row in used):
        raise NotApprovedError(f"proposal {proposal} was approved before; propose it anew")
    for row in rows:
        detail = _detail(row["body"])
        if detail.get("proposal") != proposal:
            continue
        proof = await verify_entry(reader_url, keys, row["seg"], row["seq"])
        if proof.body is None or proof.findings:
            raise NotApprovedError(f"proposal {proposal} is not what was signed: verify the ledger")
        return detail
    raise NotApprovedError(f"no proposal {proposal} of the last {GOOD_FOR.days} days")


def _detail(body: bytes) -> dict[str, Any]:
    found = orjson.loads(body).get("detail")
    return found if isinstance(found, dict) else {}
