"""The checker itself: a small ledger that is right, and each way in which it could be wrong."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from faults.checker import Record, check, kinds, open_calls, record
from faults.clients import Line

from mcp_gateway.audit import receipt
from mcp_gateway.audit.block import Keys, key_id
from mcp_gateway.audit.segment import Segment

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KEYS: Keys = {key_id(KEY.public_key()): KEY.public_key()}
SEGMENT = UUID(int=1)
BODIES: Sequence[dict[str, Any]] = [
    {"kind": "intent", "rid": "r-1", "args": {"number": 1}},
    {"kind": "outcome", "rid": "r-1", "status": "ok"},
    {"kind": "refusal", "rid": "r-2", "args": {"base64": "eyJudW1iZXIiOiAyfQ=="}},
    {"kind": "intent", "rid": "r-3", "args": {"number": 3}},
]


def written(bodies: Sequence[dict[str, Any]] = BODIES) -> tuple[list[Record], list[Any]]:
    """The records as they are stored, and a receipt for each."""
    raw = [orjson.dumps(body) for body in bodies]
    sealed = Segment(SEGMENT, date(2026, 1, 1), 0.0, KEY).seal(
        raw, datetime(2026, 1, 1, tzinfo=UTC)
    )
    records = [record(str(SEGMENT), at + 1, one, bodies[at]) for at, one in enumerate(raw)]
    return records, [receipt.build(sealed.block, sealed.levels, at) for at in range(len(raw))]


RECORDS, RECEIPTS = written()
LINES = [
    Line(1, "answer", RECEIPTS[1]),
    Line(2, "denied", RECEIPTS[2]),
    Line(3, "nothing"),
    Line(4, "unavailable"),
]
EFFECTS = [1, 3]


def found(
    lines: Sequence[Line] = LINES,
    records: Sequence[Record] = RECORDS,
    effects: Sequence[int] = EFFECTS,
) -> set[str]:
    return set(kinds(check(lines, records, effects, KEYS)))


def test_a_ledger_that_is_right_has_no_complaint() -> None:
    assert found() == set()
    assert open_calls(RECORDS) == {"r-3"}


def test_an_answer_needs_its_final_record() -> None:
    without = [one for one in RECORDS if one.kind != "outcome"]
    assert found(records=without) == {"ANSWER-WITHOUT-RECORD", "RECEIPT-TRUNCATED"}


def test_an_effect_needs_its_intent() -> None:
    assert found(records=RECORDS[:3]) == {"EFFECT-WITHOUT-INTENT"}
    assert found(effects=[1, 1]) == {"EFFECT-TWICE"}


@pytest.mark.parametrize("at", [0, 1, 2])
def test_nothing_is_recorded_twice(at: int) -> None:
    again = replace(RECORDS[at], place=(str(SEGMENT), 9))
    assert "DUPLICATE" in found(records=[*RECORDS, again])


def test_an_answer_comes_with_a_receipt_that_proves_something() -> None:
    assert found(lines=[Line(1, "answer")]) == {"RECEIPT-MISSING"}
    wrong = RECEIPTS[1] | {"leaf": RECEIPTS[0]["leaf"]}
    assert found(lines=[Line(1, "answer", wrong)]) == {"RECEIPT-INVALID"}


def test_only_receipts_show_an_outcome_that_was_rewritten_by_who_holds_the_key() -> None:
    """A checker that ignored receipts would pass it: every count is right."""
    other = [dict(body) for body in BODIES]
    other[1]["status"] = "failed"
    records, _ = written(other)
    assert found(records=records) == {"RECEIPT-MISMATCH"}
    _, own = written(other)
    lines = [Line(1, "answer", own[1]), Line(2, "denied", own[2])]
    assert found(lines=lines, records=records) == set()
