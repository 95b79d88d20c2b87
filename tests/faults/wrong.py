"""Which fault shows which wrong ledger, and what the checker must then complain of."""

from collections.abc import Mapping
from dataclasses import dataclass

from faults.mutants import MUTANTS


@dataclass(frozen=True)
class Shown:
    by: tuple[str, ...]  # faults of the schedule
    complaints: frozenset[str]  # each of these must be there


def _shown(by: str, *complaints: str) -> Shown:
    return Shown((by,), frozenset(complaints))


SHOWN: Mapping[str, Shown] = {
    "acknowledge_before_commit": Shown(
        ("failpoint before_block, late",) * 3,
        frozenset({"ANSWER-WITHOUT-RECORD", "RECEIPT-TRUNCATED"}),
    ),
    "commit_without_sync": _shown(
        "PostgreSQL stopped at once", "ANSWER-WITHOUT-RECORD", "RECEIPT-TRUNCATED"
    ),
    "no_resend": _shown("cut before a block", "ANSWER-WITHOUT-RECORD", "VERIFY-GAP"),
    # the table's key lets no block in twice, so this one does no harm but to stop
    "resend_without_looking": _shown("cut after a commit", "STUCK"),
    # the late session and the new one meet; the loser finds a block that is not its own
    "no_fence": _shown("table held", "STUCK"),
    "intent_after_the_call": _shown("failpoint mid_upstream", "EFFECT-WITHOUT-INTENT"),
    "raising_encoder": _shown("sessions ended", "ANSWER-WITHOUT-RECORD", "RECEIPT-MISSING"),
}
QUICK = ("acknowledge_before_commit", "no_resend", "intent_after_the_call")

assert set(SHOWN) == set(MUTANTS)
