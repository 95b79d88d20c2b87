"""An audit and its verdict in words: for a terminal, as Markdown, and as JSON for the checklist."""

from collections.abc import Iterator
from typing import Any

from mcp_playbook.vet.record import stamp
from mcp_playbook.vet.rubric import Audit, Exclusion, Part, Signal
from mcp_playbook.vet.verdict import (
    PILOT_CONFIDENCE,
    PILOT_SCORE,
    PRODUCTION_CONFIDENCE,
    PRODUCTION_SCORE,
    Verdict,
)

RUBRIC = 1  # counts up when points or thresholds change
WIDTH = 28


def as_json(name: str, audit: Audit, verdict: Verdict) -> dict[str, Any]:
    low, high = audit.bounds
    return {
        "name": name,
        "subject": audit.subject.shown,
        "verdict": verdict.word,
        "date": stamp(audit.date) if audit.date else None,
        "score": None if audit.score is None else round(audit.score, 1),
        "confidence": round(audit.confidence, 2),
        "bounds": [round(low, 1), round(high, 1)],
        "rubric": RUBRIC,
        "reasons": list(verdict.reasons),
        "next": list(verdict.next),
        "exclusions": [_exclusion(one) for one in audit.exclusions],
        "signals": [_signal(one) for one in audit.signals],
        "notes": list(audit.notes),
    }


def _exclusion(one: Exclusion) -> dict[str, Any]:
    told = {"name": one.name, "state": one.state, "value": one.value}
    return told | _evidence(one)


def _signal(one: Signal) -> dict[str, Any]:
    return {
        "name": one.name,
        "maximum": one.maximum,
        "known": one.known,
        "points": round(one.points, 2),
        "parts": [
            {
                "name": part.name,
                "maximum": part.maximum,
                "points": None if part.points is None else round(part.points, 2),
                "value": part.value,
                **_evidence(part),
            }
            for part in one.parts
        ],
    }


def _evidence(one: Part | Exclusion) -> dict[str, Any]:
    if one.at is None:
        return {"next": one.next}
    return {"source": one.source, "fetched": stamp(one.at)} | (
        {"next": one.next} if one.next else {}
    )


def headline(audit: Audit, verdict: Verdict) -> str:
    score = "nothing known" if audit.score is None else f"score {audit.score:.0f} of 100"
    return f"{verdict.word} ({score}, confidence {audit.confidence:.2f})"


def as_text(audit: Audit, verdict: Verdict) -> str:
    return "\n".join(_lines(audit, verdict))


def _lines(audit: Audit, verdict: Verdict) -> Iterator[str]:
    yield f"{audit.subject.shown}: {headline(audit, verdict)}"
    if audit.date:
        low, high = audit.bounds
        yield f"As of {stamp(audit.date)}, the oldest source."
        yield f"Once everything is known the score lies between {low:.0f} and {high:.0f}."
    yield ""
    for signal in audit.signals:
        yield f"{signal.name:<{WIDTH}} {_points(signal.points, signal.known, signal.maximum)}"
        for part in signal.parts:
            label = "" if part.name == signal.name else f"{part.name}: "
            points = "?" if part.points is None else f"{part.points:.1f}"
            yield f"  {points:>4} of {part.maximum:g}  {label}{part.value}{_when(part)}"
    yield ""
    yield "Excludes whatever the sum"
    for one in audit.exclusions:
        yield f"  {one.state:<8} {one.name}: {one.value}{_when(one)}"
    for title, lines in (
        ("Why", verdict.reasons), ("Find out next", verdict.next), ("Notes", audit.notes),
    ):  # fmt: skip
        if lines:
            yield ""
            yield title
            yield from (f"  - {line}" for line in lines)


def _points(points: float, known: float, maximum: float) -> str:
    if not known:
        return f"unknown, {maximum:g} points"
    return f"{points:.1f} of {known:g}" + (f" known, of {maximum:g}" if known < maximum else "")


def _when(one: Part | Exclusion) -> str:
    return f"  [{one.source}, {one.at:%Y-%m-%d}]" if one.at else ""


def as_markdown(name: str, audit: Audit, verdict: Verdict) -> str:
    return "\n".join(_markdown(name, audit, verdict)) + "\n"


def _markdown(name: str, audit: Audit, verdict: Verdict) -> Iterator[str]:
    low, high = audit.bounds
    yield from (f"# {name}", "", f"`{audit.subject.shown}`: **{headline(audit, verdict)}**", "")
    if audit.date:
        yield f"As of {stamp(audit.date)}, the oldest source used."
    yield f"Once everything is known the score lies between {low:.0f} and {high:.0f}."
    yield f"Production needs {PRODUCTION_SCORE:.0f} with confidence {PRODUCTION_CONFIDENCE:.2f} and"
    yield f"every exclusion looked at; a pilot {PILOT_SCORE:.0f} with {PILOT_CONFIDENCE:.2f}."
    for title, lines in (("Why", verdict.reasons), ("What to find out next", verdict.next)):
        if lines:
            yield from ("", f"## {title}", "", *(f"- {_cell(line)}" for line in lines))
    yield from ("", "## Signals", "", "| signal | points | what is known | source, time |")
    yield "|---|---|---|---|"
    for signal in audit.signals:
        for part in signal.parts:
            label = part.name if part.name == signal.name else f"{signal.name}: {part.name}"
            points = "unknown" if part.points is None else f"{part.points:.1f}"
            row = f"| {label} | {points} of {part.maximum:g} | {_cell(part.value)} |"
            yield f"{row} {_cell(_source(part))} |"
    yield from ("", "## Exclusions", "", "| what excludes | state | what is known | source, time |")
    yield "|---|---|---|---|"
    for one in audit.exclusions:
        yield f"| {one.name} | {one.state} | {_cell(one.value)} | {_cell(_source(one))} |"
    if audit.notes:
        yield from ("", "## Notes", "", *(f"- {_cell(line)}" for line in audit.notes))


def _source(one: Part | Exclusion) -> str:
    return f"{one.source}, {stamp(one.at)}" if one.at else ""


def _cell(text: str) -> str:
    """Words of others, so that they stay words: no table, no markup, no link."""
    plain = " ".join(text.split())
    return "".join(f"\\{one}" if one in r"\`*_[]<>|" else one for one in plain)
