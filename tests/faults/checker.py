"""Holds four journals against each other: callers, ledger, receipts, the server behind. Pure.

What must hold whatever broke: an answer that somebody saw has exactly one final record, and its
receipt leads there; what the server did has an intent; nothing is recorded twice.
"""

import json
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faults.clients import Line

from mcp_gateway.audit import merkle, receipt
from mcp_gateway.audit.block import Keys

Place = tuple[str, int]  # segment, seq


@dataclass(frozen=True, slots=True)
class Record:
    place: Place
    kind: str
    rid: str | None
    number: int | None  # the caller's, where the record has arguments
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Complaint:
    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def record(segment: str, seq: int, raw: bytes, body: Mapping[str, Any]) -> Record:
    number = _spelt_out(body.get("args")).get("number")
    leaf = merkle.leaf_hash(raw)
    return Record((segment, seq), str(body.get("kind")), body.get("rid"), number, leaf)


def _spelt_out(arguments: Any) -> Mapping[str, Any]:
    """What JSON could not carry is kept as base64 of its text."""
    if isinstance(arguments, Mapping) and isinstance(text := arguments.get("base64"), str):
        arguments = json.loads(b64decode(text))
    return arguments if isinstance(arguments, Mapping) else {}


def check(
    lines: Sequence[Line], records: Sequence[Record], effects: Sequence[int], keys: Keys
) -> list[Complaint]:
    return [
        *_doubles(records),
        *_answers(lines, records),
        *_effects(effects, records),
        *_receipts(lines, records, keys),
    ]


def open_calls(records: Sequence[Record]) -> set[str]:
    """Intents that no outcome has closed: what the verifier must list."""
    closed = {one.rid for one in records if one.kind == "outcome"}
    return {one.rid for one in records if one.kind == "intent" and one.rid} - closed


def kinds(complaints: Sequence[Complaint]) -> Counter[str]:
    return Counter(one.kind for one in complaints)


def _doubles(records: Sequence[Record]) -> Iterator[Complaint]:
    final = ("intent", "outcome", "refusal")
    times = Counter((one.rid, one.kind) for one in records if one.kind in final)
    for (rid, kind), count in times.items():
        if count > 1:
            yield Complaint("DUPLICATE", f"call {rid} has {count} records of kind {kind}")


def _answers(lines: Sequence[Line], records: Sequence[Record]) -> Iterator[Complaint]:
    calls: dict[int, list[str | None]] = defaultdict(list)
    refusals: Counter[int] = Counter()
    for one in records:
        if one.number is not None and one.kind == "intent":
            calls[one.number].append(one.rid)
        if one.number is not None and one.kind == "refusal":
            refusals[one.number] += 1
    outcomes = Counter(one.rid for one in records if one.kind == "outcome")
    for line in lines:
        if line.seen not in ("answer", "denied"):
            continue
        found = refusals[line.number] + sum(outcomes[rid] for rid in calls[line.number])
        if found != 1:
            what = f"call {line.number} was answered ({line.said}) and has {found} final records"
            yield Complaint("ANSWER-WITHOUT-RECORD" if found == 0 else "ANSWER-TWICE", what)


def _effects(effects: Sequence[int], records: Sequence[Record]) -> Iterator[Complaint]:
    intended = {one.number for one in records if one.kind == "intent"}
    for number, times in Counter(effects).items():
        if number not in intended:
            yield Complaint("EFFECT-WITHOUT-INTENT", f"the server did call {number}")
        if times > 1:
            yield Complaint("EFFECT-TWICE", f"the server did call {number} {times} times")


def _receipts(lines: Sequence[Line], records: Sequence[Record], keys: Keys) -> Iterator[Complaint]:
    stored = {one.place: one for one in records}
    for line in lines:
        if line.seen not in ("answer", "denied"):
            continue
        if line.receipt is None:
            yield Complaint("RECEIPT-MISSING", f"the answer to call {line.number} ({line.said})")
            continue
        wrong = _unproven(line.receipt, keys)
        if wrong:
            yield Complaint("RECEIPT-INVALID", f"of call {line.number}: {wrong}")
            continue
        at = (line.receipt["segment"], line.receipt["seq"])
        if at not in stored:
            yield Complaint("RECEIPT-TRUNCATED", f"call {line.number}: no record {at[1]} there")
        elif stored[at].leaf != b64decode(line.receipt["leaf"]):
            yield Complaint("RECEIPT-MISMATCH", f"call {line.number}: another record is there")


def _unproven(given: Any, keys: Keys) -> str | None:
    try:
        receipt.check(given, keys)
    except receipt.ReceiptError as error:
        return str(error)
    return None
