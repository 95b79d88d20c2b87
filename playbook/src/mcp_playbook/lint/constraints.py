"""What binds an argument, held against what its text says: what is not said, and what is not so.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator
from typing import Any

from mcp_playbook.lint.definition import identifiers
from mcp_playbook.lint.schema import Argument
from mcp_playbook.lint.words import plain

Told = tuple[str, str]  # what is wrong, what to write instead

_NUMBER = r"-?\d(?:[\d,_.]{0,20}\d)?"
_FORM = re.compile(
    r"such as|e\.g\.|for example|like|digits|letters|YYYY|ISO|RFC|format|form of|[`\"]",
    re.IGNORECASE,
)
_LEFT_OUT = re.compile(
    r"\bdefaults?\b|\bunless\b|\bleft out\b|\botherwise\b|\bomitted\b"
    r"|\b(?:not|none|nothing) (?:is )?(?:given|set|said|specified|provided)\b|\bwithout it\b",
    re.IGNORECASE,
)
_START = {"beginning", "start", "begin", "first"}


def unmentioned(argument: Argument, text: str) -> Iterator[Told]:
    """Each constraint of the schema that the text leaves out."""
    said, binds = argument.description, argument.binds
    values = [one for one in binds.get("enum", ()) if one is not None]
    if values and not any(_names(value, f"{said} {text}") for value in values):
        yield (
            "names none of the values to choose from",
            f"Name one or say what {values[0]!r} means.",
        )
    if (top := binds.get("maximum")) is not None and top not in _numbers(said):
        low = binds.get("minimum", 0)
        yield f"does not say that {top:,} is the most", f"Write `{low} to {top}`."
    low = binds.get("minimum")
    if low not in (None, 0, 1) and low not in _numbers(said):
        yield f"does not say that {low:,} is the least", f"Write `{low} to {binds.get('maximum')}`."
    if "pattern" in binds and not _FORM.search(said):
        yield "does not say in words what its pattern wants", "Give the form, or an example."
    if not _says_default(argument, text):
        default = argument.default
        yield f"does not say that {default!r} is the default", f"Write `{default} unless given`."


def contradictions(argument: Argument, known: set[str]) -> Iterator[Told]:
    """Each statement about the argument that its schema does not bear out."""
    yield from _of_bounds(argument)
    yield from _of_presence(argument)
    if values := {str(one) for one in argument.binds.get("enum", ())}:
        for name in sorted(identifiers(argument.description) - values - known):
            yield f"names `{name}`, which is not among its values", f"Choose of {sorted(values)}."


def _of_bounds(argument: Argument) -> Iterator[Told]:
    said = argument.description
    ends = {argument.binds[key] for key in _LIMITS if key in argument.binds}
    if not ends:
        return
    for low, high in re.findall(rf"({_NUMBER})\s?(?:to|-|\u2013)\s?({_NUMBER})(?![-\d])", said):
        if not {_number(low), _number(high)} <= ends:
            yield f"says {low} to {high}, and the schema does not", _bounds(argument)
    for most in re.findall(rf"\b(?:at most|up to|maximum(?: of)?|max\.?)\s+({_NUMBER})", said):
        if _number(most) not in ends:
            yield f"says {most} at most, and the schema does not", _bounds(argument)


def _of_presence(argument: Argument) -> Iterator[Told]:
    said = argument.description
    if "default" in argument.binds:
        for word in re.findall(
            r"\bdefaults?(?: is| to|:|=)?\s+[`\"']?([\w.-]*\w)", said, re.IGNORECASE
        ):
            if not _same(word, argument.default):
                yield f"says the default is {word}", f"The schema has {argument.default!r}."
    if argument.required and re.search(r"\boptional\b", said, re.IGNORECASE):
        yield "says it is optional, and the schema requires it", "Strike the word in one of them."
    if not argument.required and re.match(r"\W*(?:\w+\W+){0,2}required\b", said, re.IGNORECASE):
        yield "says it is required, and the schema does not", "List it under `required`."


_LIMITS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def _bounds(argument: Argument) -> str:
    found = {key: argument.binds[key] for key in _LIMITS if key in argument.binds}
    return "The schema has " + ", ".join(f"{key} {value:,}" for key, value in found.items()) + "."


def _says_default(argument: Argument, text: str) -> bool:
    default = argument.default
    if default in (None, False, "", [], {}):  # what is left out is left out
        return True
    if default == 0 and _START & set(plain(argument.description)):
        return True
    near = re.findall(rf"\b{re.escape(argument.name)}\b[^.;]{{0,60}}", text)
    return any(
        _names(default, place) and _LEFT_OUT.search(place)
        for place in (argument.description, *near)
    )


def _names(value: Any, text: str) -> bool:
    """The value as it is spelt, its words, or for a number its digits."""
    if isinstance(value, bool):
        return str(value).lower() in text.lower()
    if isinstance(value, int | float):
        return value in _numbers(text)
    words = plain(str(value))
    return str(value).lower() in text.lower() or (bool(words) and set(words) <= set(plain(text)))


def _numbers(text: str) -> set[float]:
    return {_number(one) for one in re.findall(_NUMBER, text)}


def _number(text: str) -> float:
    bare = re.sub(r"[,_](?=\d{3})", "", text).rstrip(".,_")
    try:
        return float(bare)
    except ValueError:
        return float("nan")


def _same(word: str, default: Any) -> bool:
    return word.lower().strip("`\"'") == str(default).lower() or _number(word) == default
