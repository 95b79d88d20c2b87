"""What a schema accepts, in a few words a model can act on, from the schema's own bounds.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Mapping
from typing import Any

MAX_MEANING = 200  # characters of an argument's own description

_KINDS = {
    "str": "a string", "int": "a number", "float": "a number with a fraction",
    "bool": "true or false", "NoneType": "null", "list": "a list", "dict": "an object",
}  # fmt: skip
_DAY = re.compile(
    r"\^?(?:\\d|\[0-9\])\{4\}-(?:\\d\\d|(?:\\d|\[0-9\])\{2\})-(?:\\d\\d|(?:\\d|\[0-9\])\{2\})\$?"
)
_FORMS = {
    "date": "a day as YYYY-MM-DD, such as 2026-01-31",
    "date-time": "a moment as YYYY-MM-DDThh:mm:ssZ, such as 2026-01-31T09:30:00Z",
}
_DIGITS = {"^[0-9]+$", r"^\d+$"}


def kind_of(value: object) -> str:
    """What was given, without giving it back."""
    return _KINDS.get(type(value).__name__, "something else")


def meaning(schema: Mapping[str, Any]) -> str | None:
    """The argument's own description, as long as it is short enough to repeat."""
    told = schema.get("description")
    if not isinstance(told, str) or not told:
        return next((meaning(one) for one in _forms(schema) if meaning(one)), None)
    return told if len(told) <= MAX_MEANING else f"{told[:MAX_MEANING].rsplit(' ', 1)[0]} …"


def wanted(schema: Mapping[str, Any]) -> str:
    """The accepted form: `integer from 1 to 50`, `a day as YYYY-MM-DD`, `one of open, won`."""
    if options := _forms(schema):
        return " or ".join(wanted(option) for option in options)
    if choices := schema.get("enum"):
        return "one of " + ", ".join(str(choice) for choice in choices)
    pattern, form = schema.get("pattern"), schema.get("format")
    if form in _FORMS or (isinstance(pattern, str) and _DAY.fullmatch(pattern)):
        return f"string, {_FORMS.get(str(form), _FORMS['date'])}"
    kind = schema.get("type", "value")
    words = str(" or ".join(kind) if isinstance(kind, list) else kind) + _bounds(schema)
    if pattern in _DIGITS:
        words += ", digits alone"
    elif pattern:
        words += f" matching {pattern}"
    return f"{words} ({form})" if form else words


def _bounds(schema: Mapping[str, Any]) -> str:
    words = ""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        words += f" from {low} to {high}"
    short, long = schema.get("minLength"), schema.get("maxLength")
    if long is not None:
        words += f" of {short or 0} to {long} characters"
    if (items := schema.get("maxItems")) is not None:
        words += f" of at most {items} items"
    return words


def _forms(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = schema.get("anyOf")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
