"""One difference between two definitions, with what it means for whoever calls.

Pure: no clock, no network, no state.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Weight(StrEnum):
    BREAKING = "breaking"  # a call, or a reading of an answer, that worked may fail
    REVIEW = "review"  # nothing fails, but what a model or a host acts on is another
    COMPATIBLE = "compatible"  # all that worked works on


MEANING = {
    Weight.BREAKING: "calls that worked, or what was read from answers, may fail",
    Weight.REVIEW: "nothing fails; what a model or a host acts on is another",
    Weight.COMPATIBLE: "all that worked works on",
}


@dataclass(frozen=True, slots=True)
class Change:
    """`subject` is what changed, as `tool list_deals`; `where` the place in it, if any."""

    weight: Weight
    subject: str
    what: str
    where: str = ""
    marked: str = ""  # words with [-what went-] and {+what came+}

    def line(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    def as_json(self) -> dict[str, Any]:
        return {key: str(value) for key, value in asdict(self).items() if value}
