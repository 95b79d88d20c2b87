"""The judged questions, as they are written in `judgements.toml`."""

import hashlib
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("judgements.toml")
COLLEAGUE = ("analyst", "sales", "support", "operator")
KINDS = ("plain", "typo", "hidden", "none")


@dataclass(frozen=True, slots=True)
class Question:
    ask: str
    groups: tuple[str, ...]
    kind: str
    pages: dict[str, int] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()

    @property
    def half(self) -> int:
        """Whoever changes the ranking looks at the questions of half 0, and is judged by half 1."""
        return hashlib.sha256(self.ask.encode()).digest()[0] & 1


@cache
def questions() -> tuple[Question, ...]:
    return tuple(
        Question(
            ask=one["ask"],
            groups=("everyone", *one.get("as", COLLEAGUE)),
            kind=one.get("kind", "plain"),
            pages=one.get("pages", {}),
            hidden=tuple(one.get("hidden", ())),
        )
        for one in tomllib.loads(FILE.read_text("utf-8"))["question"]
    )
