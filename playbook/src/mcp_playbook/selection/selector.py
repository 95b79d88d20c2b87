"""A selector ranks tools for a request or says that none fits; BM25 needs no model for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import bm25s  # type: ignore[import-untyped]

from mcp_playbook.lint.words import content
from mcp_playbook.selection.candidates import Candidate, Text, whole


@dataclass(frozen=True, slots=True)
class Ranked:
    name: str
    score: float


Ranking = Sequence[Ranked]


class Selector(Protocol):
    def choose(self, prompt: str, tools: Sequence[Candidate]) -> Ranking | None:
        """Tools that may answer the prompt, best first; None when none does."""


@dataclass(frozen=True)
class Bm25:
    """Okapi BM25 over one text of each tool. Equal scores are ordered by name."""

    text: Text = whole

    def choose(self, prompt: str, tools: Sequence[Candidate]) -> Ranking | None:
        index = bm25s.BM25()
        index.index([self.text(tool.tool) for tool in tools], show_progress=False)
        known = [word for word in content(prompt) if word in index.vocab_dict]
        if not known:
            return None
        scores = index.get_scores(known)
        ranked = [
            Ranked(tool.name, float(score)) for tool, score in zip(tools, scores, strict=True)
        ]
        return sorted(
            (one for one in ranked if one.score > 0), key=lambda one: (-one.score, one.name)
        )
