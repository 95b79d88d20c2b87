"""From an audit to a verdict, with its reasons and with what to find out next.

The thresholds are this project's own judgement; no study stands behind them.
"""

from dataclasses import dataclass
from typing import Literal

from mcp_playbook.vet.rubric import Audit

Word = Literal["production", "pilot in a sandbox", "reject"]
WORDS: tuple[Word, ...] = ("production", "pilot in a sandbox", "reject")

PRODUCTION_SCORE, PRODUCTION_CONFIDENCE = 75.0, 0.75
EXCLUSION_FIRST = 100.0  # in the order of what to find out next
PILOT_SCORE, PILOT_CONFIDENCE = 50.0, 0.25


@dataclass(frozen=True, slots=True)
class Verdict:
    word: Word
    reasons: tuple[str, ...]
    next: tuple[str, ...]


def verdict(audit: Audit) -> Verdict:
    word, reasons = _judged(audit)
    return Verdict(word, tuple(reasons), tuple(_next(audit)))


def _judged(audit: Audit) -> tuple[Word, list[str]]:
    found = [f"{one.name}: {one.value}" for one in audit.exclusions if one.state == "found"]
    if found:
        return "reject", found
    if short := _short_of(audit, PILOT_SCORE, PILOT_CONFIDENCE, "a pilot"):
        return "reject", short
    short = _short_of(audit, PRODUCTION_SCORE, PRODUCTION_CONFIDENCE, "production")
    short += [f"not looked at: {one.name}" for one in audit.exclusions if one.state == "unknown"]
    if short:
        return "pilot in a sandbox", short
    return "production", [f"score {audit.score:.0f} with a confidence of {audit.confidence:.2f}"]


def _short_of(audit: Audit, score: float, confidence: float, what: str) -> list[str]:
    short = []
    if audit.score is None or audit.score < score:
        reached = "nothing is known" if audit.score is None else f"score {audit.score:.0f}"
        short.append(f"{reached}, {score:.0f} is needed for {what}")
    if audit.confidence < confidence:
        short.append(
            f"confidence {audit.confidence:.2f}, too little is known: "
            f"{confidence:.2f} is needed for {what}"
        )
    return short


def _next(audit: Audit) -> list[str]:
    """Each step once, with all that it would settle; what could exclude comes first."""
    settles: dict[str, list[str]] = {}
    worth: dict[str, float] = {}
    for one in audit.exclusions:
        if one.state == "unknown":
            settles.setdefault(one.next, []).append(one.name)
            worth[one.next] = worth.get(one.next, 0) + EXCLUSION_FIRST
    for signal, part in audit.unknown():
        name = signal.name if signal.maximum == part.maximum else part.name
        points = "1 point" if part.maximum == 1 else f"{part.maximum:g} points"
        settles.setdefault(part.next, []).append(f"{name} ({points})")
        worth[part.next] = worth.get(part.next, 0) + part.maximum
    order = sorted(settles, key=lambda step: -worth[step])
    return [f"{step}: {', '.join(settles[step])}" for step in order]
