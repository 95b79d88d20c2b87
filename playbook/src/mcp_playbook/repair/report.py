"""The figures as a page: what was asked, every arm beside the others, and what they do not say."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mcp_playbook.repair.judge import VERDICTS
from mcp_playbook.repair.measure import Measured, shares
from mcp_playbook.repair.parameters import Parameters
from mcp_playbook.selection.statistics import Estimate

HEAD = """# Errors a model can repair, measured

Written by `make eval-repair KEEP=1`; nothing here is typed by hand. A scripted agent sends calls
with mistakes to our tools' schemas and repairs them by the words that come back, for at most
{rounds} rounds. All ways of answering meet the same calls. What it means and what it does not:
[tool descriptions](../tool-descriptions.md#errors-a-model-can-repair).

Parameters `{parameters}`, agent `{agent}`, {tools} tools, {calls:,} calls for each set of mistakes.
"""
WORDS = {
    "bare": "-32602, and no more",
    "no-op layer": "the same behind a layer without effect: gains nothing",
    "first message": "what a JSON Schema library says first",
    "pydantic": "an SDK's model: all at once, lax about kinds, blind to unknown arguments",
    "structured": "ours: all at once, path, expected, allowed, did you mean",
    "false hints": "ours with plausible hints that are wrong: must fall towards bare",
}


def page(
    found: Mapping[str, Measured], made: Parameters, tools: int, hashes: tuple[str, str],
    other: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> str:  # fmt: skip
    calls = made.calls * len(made.seeds)
    head = HEAD.format(
        rounds=made.rounds, parameters=hashes[0][:16], agent=hashes[1][:16], tools=tools,
        calls=calls,
    )  # fmt: skip
    blocks = [head.rstrip()]
    blocks += ["\n".join(_set(name, measured)) for name, measured in found.items()]
    blocks += ["\n".join(_gaps(found, made)), "\n".join(_others(other)), "\n".join(_each(found))]
    return "\n\n".join(blocks) + "\n"


# how the page about descriptions calls the answers it shows
IN_SHORT = {
    "-32602 and no more": "bare",
    "first message of a JSON Schema library": "first message",
    "pydantic, as SDKs use it": "pydantic",
    "ours": "structured",
    "ours, hints replaced by false ones": "false hints",
}


def in_short(text: str, found: Mapping[str, Measured]) -> str:
    """The page about descriptions, with the figures of its table made anew."""
    for words, layer in IN_SHORT.items():
        cells = [f"{100 * one.share(layer, 'correct'):.1f}" for one in found.values()]
        row = f"| {words} | {' | '.join(cells)} |"
        text = re.sub(rf"^\| {re.escape(words)} \|.*$", row, text, flags=re.MULTILINE)
    return text


def _set(name: str, measured: Measured) -> Iterator[str]:
    yield f"## {name.capitalize()} mistakes\n"
    yield f"| answer | {' | '.join(VERDICTS)} | rounds | characters read | what it is |"
    yield f"|---|{'---:|' * (len(VERDICTS) + 2)}---|"
    for layer, row in shares(measured).items():
        cells = " | ".join(f"{100 * row[verdict]:.1f}" for verdict in VERDICTS)
        told = f"{row['rounds']:.2f} | {row['read']:.0f}"
        yield f"| {layer} | {cells} | {told} | {WORDS[layer]} |"
    yield ""
    for over in ("first message", "pydantic"):
        difference, chance = measured.gain("structured", over)
        yield (
            f"Structured against {over}, call by call: {_points(difference)} points more are "
            f"correct; exact McNemar p = {chance:.2g}."
        )


def _points(one: Estimate) -> str:
    return f"{100 * one.value:.1f} ({100 * one.low:.1f} to {100 * one.high:.1f})"


def gap(found: Mapping[str, Measured]) -> float:
    """How many points fewer are correct among mistakes nobody prepared for."""
    return 100 * (
        found["known"].share("structured", "correct")
        - found["held-out"].share("structured", "correct")
    )


def _gaps(found: Mapping[str, Measured], made: Parameters) -> Iterator[str]:
    yield "## What was prepared for, and what was not\n"
    points = gap(found)
    word = "**more than**" if points > made.margin_points else "at most"
    yield (
        f"Structured answers lose {points:.1f} points when the mistakes are ones the agent was not "
        f"written for: {word} the {made.margin_points:.0f} that would let the first table stand "
        "for the second. Read the held-out table."
    )


def _others(other: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[str]:
    yield "## If the assumptions were others\n"
    yield "Correct, in percent, one seed.\n"
    first = next(iter(next(iter(other.values())).values()))
    names = [f"{layer}" for layer in first]
    heads = [f"{name}, {which}" for which in ("known", "held-out") for name in names]
    yield f"| | {' | '.join(heads)} |"
    yield f"|---|{'---:|' * 2 * len(names)}"
    for what, sets in other.items():
        cells = [f"{100 * value:.1f}" for row in sets.values() for value in row.values()]
        yield f"| {what} | {' | '.join(cells)} |"


def _each(found: Mapping[str, Measured]) -> Iterator[str]:
    yield "## Mistake by mistake\n"
    yield "Calls with one mistake alone: correct, of all.\n"
    yield "| mistake | first message | pydantic | structured |"
    yield "|---|---:|---:|---:|"
    for name, measured in found.items():
        rows = {
            one: measured.by_mistake(one) for one in ("first message", "pydantic", "structured")
        }
        for mistake in rows["structured"]:
            cells = " | ".join(f"{row[mistake][0]} of {row[mistake][1]}" for row in rows.values())
            yield f"| {mistake.replace('_', ' ')} ({name}) | {cells} |"


def as_json(found: Mapping[str, Measured], hashes: tuple[str, str]) -> dict[str, Any]:
    return {
        "parameters": hashes[0],
        "agent": hashes[1],
        "sets": {name: shares(measured) for name, measured in found.items()},
    }
