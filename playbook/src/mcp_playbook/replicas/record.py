"""What the ledger says of a load: whether each answer is on record, and each request there once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from mcp_playbook.replicas.load import Attempt

RECORDS = "SELECT trace, rid, kind, seg::text, seq, status FROM audit.record WHERE trace = ANY($1)"
ENDS = ("outcome", "refusal")


@dataclass(frozen=True)
class Found:
    """Of a load's attempts, by what should not be; and the calls that nobody knows the end of."""

    twice: Sequence[str]  # an attempt that is on record as several calls: somebody repeated it
    unrecorded: Sequence[str]  # an answer without exactly one record of its own
    half: Sequence[str]  # an answer that was none
    open: Sequence[str]  # ids of calls with an intent and no outcome
    unknown_open: Sequence[str]  # of these, such as somebody was answered

    @property
    def wrong(self) -> list[str]:
        return [*self.half, *self.twice, *self.unrecorded, *self.unknown_open]


async def on_record(ledger: str, attempts: Sequence[Attempt]) -> Found:
    connection = await asyncpg.connect(ledger)
    try:
        rows = await connection.fetch(RECORDS, [one.trace for one in attempts])
    finally:
        await connection.close()
    by_trace: dict[str, list[Any]] = {}
    for row in rows:
        by_trace.setdefault(row["trace"], []).append(row)
    twice, unrecorded, half, left, answered_open = [], [], [], [], []
    for one in attempts:
        found = by_trace.get(one.trace, [])
        calls = {row["rid"] for row in found}
        ended = [row for row in found if row["kind"] in ENDS]
        if len(calls) > 1:
            twice.append(f"{one.wish.tool} was sent once and made {len(calls)} times")
        if "half" in one.document:
            half.append(f"{one.wish.tool}: half an answer, {one.document['half']!r}")
        if one.answered and not _exactly_once(one, ended):
            unrecorded.append(f"{one.wish.tool} was answered, with {len(ended)} records of it")
        open_ones = calls - {row["rid"] for row in ended}
        left += sorted(open_ones)
        if one.answered and open_ones:
            answered_open.append(f"{one.wish.tool} was answered, and its call is open")
    return Found(twice, unrecorded, half, left, answered_open)


def _exactly_once(one: Attempt, ended: Sequence[Any]) -> bool:
    place = one.receipt
    if place is None or len(ended) != 1:
        return False
    return bool((ended[0]["seg"], ended[0]["seq"]) == (place["segment"], place["seq"]))
