"""What a reply in words says is wrong: ours, that of a JSON Schema library, and pydantic's.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Trouble = Literal["unknown", "missing", "choice", "kind", "small", "large", "form", "other"]


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is wrong, as far as the words tell."""

    trouble: Trouble
    name: str = ""  # of the argument; empty where the words do not say
    expected: str = ""
    allowed: tuple[str, ...] = ()
    instead: str = ""
    value: str = ""  # what was refused, where the words repeat it


_OURS = re.compile(r"^- \$\.?(?P<path>[^:]*): (?P<problem>[^;]*); expected (?P<rest>.*)$")
_ALLOWED = re.compile(r"Allowed: (.*?)\.(?: It is: | Did you mean |$)")
_MEANT = re.compile(r"Did you mean '([^']*)'\?$")
_OUR_WORDS: dict[str, Trouble] = {
    "unknown argument": "unknown", "missing": "missing", "not one of the choices": "choice",
    "wrong type": "kind", "too small": "small", "too large": "large", "wrong form": "form",
}  # fmt: skip
_QUOTED = re.compile(r"'([^']*)'")
_PYDANTIC = re.compile(
    r"^(?P<name>[\w.]+)\n +(?P<what>[^\[\n]*)(?:\[type=(?P<type>\w+)[^\n]*)?", re.MULTILINE
)
_LIBRARY: tuple[tuple[str, Trouble], ...] = (
    (r"Additional properties are not allowed \((?P<value>.*) (?:was|were) unexpected\)", "unknown"),
    (r"'(?P<name>[^']*)' is a required property", "missing"),
    (r"(?P<value>.*) is not one of \[(?P<allowed>.*)\]", "choice"),
    (r"(?P<value>.*) is not of type (?P<expected>.*)", "kind"),
    (r"(?P<value>.*) is greater than the maximum of (?P<expected>.*)", "large"),
    (r"(?P<value>.*) is less than the minimum of (?P<expected>.*)", "small"),
    (r"(?P<value>.*) does not match (?P<expected>.*)", "form"),
    (r"(?P<value>.*) is not valid under any of the given schemas", "other"),
)  # fmt: skip


def read(text: str) -> list[Said]:
    """Everything the words say; nothing for words that say nothing."""
    ours = [_our(match) for line in text.splitlines() if (match := _OURS.match(line))]
    return ours or list(_pydantic(text)) or list(_library(text))


def _our(match: re.Match[str]) -> Said:
    problem, rest = match["problem"], match["rest"]
    known = [trouble for words, trouble in _OUR_WORDS.items() if problem.startswith(words)]
    allowed = _ALLOWED.search(rest)
    meant = _MEANT.search(rest)
    return Said(
        known[0] if known else "other",
        match["path"],
        rest.partition(". Allowed: ")[0].partition(" It is: ")[0].partition(" Did you mean")[0],
        tuple(allowed[1].split(", ")) if allowed else (),
        meant[1] if meant else "",
    )


def _pydantic(text: str) -> Iterator[Said]:
    if "validation error" not in text:
        return
    for match in _PYDANTIC.finditer(text):
        kind, what = match["type"] or "", match["what"].strip()
        if kind == "missing":
            yield Said("missing", match["name"])
        elif kind in {"literal_error", "enum"}:
            yield Said("choice", match["name"], allowed=tuple(_QUOTED.findall(what)))
        elif kind.endswith(("_type", "_parsing")):
            yield Said("kind", match["name"], what)
        elif kind in {"less_than_equal", "less_than"}:
            yield Said("large", match["name"], what)
        elif kind in {"greater_than_equal", "greater_than"}:
            yield Said("small", match["name"], what)
        elif kind == "string_pattern_mismatch":
            yield Said("form", match["name"], what)
        elif kind == "extra_forbidden":
            yield Said("unknown", match["name"])
        else:
            yield Said("other", match["name"], what)


def _library(text: str) -> Iterator[Said]:
    told = text.removeprefix("Input validation error: ")
    for pattern, trouble in _LIBRARY:
        match = re.fullmatch(pattern, told, re.DOTALL)
        if match is None:
            continue
        parts = match.groupdict()
        value = parts.get("value") or ""
        if trouble == "unknown":
            yield from (Said("unknown", name) for name in _QUOTED.findall(value))
            return
        yield Said(
            trouble, parts.get("name") or "", parts.get("expected") or "",
            tuple(_QUOTED.findall(parts.get("allowed") or "")), "", value,
        )  # fmt: skip
        return
