"""Values put into another form: kinds, bounds, days, digits, the nearest of some choices.

Pure: no clock, no network, no state.
"""

import difflib
import re
from datetime import date, datetime
from typing import Any

_ISO = re.compile(r"YYYY-MM-DD|\{4\}-")
_DAYS = ("%d/%m/%Y", "%d %B %Y", "%d %b %Y", "%Y/%m/%d", "%d.%m.%Y")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class StuckError(Exception):
    """There is no other form of this that would fit."""


def as_kind(value: Any, expected: str) -> Any:
    """The same value as the kind the words ask for."""
    wanted = expected.lower()
    if isinstance(value, list) and len(value) == 1 and not _asks(wanted, "list", "array"):
        return as_kind(value[0], expected) if not _is(value[0], wanted) else value[0]
    if _asks(wanted, "integer", "number"):
        try:
            return int(str(value))
        except ValueError as error:
            raise StuckError from error
    if _asks(wanted, "string"):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise StuckError
    if _asks(wanted, "list", "array"):
        return [value]
    raise StuckError


def _asks(wanted: str, *kinds: str) -> bool:
    return any(kind in wanted for kind in kinds)


def _is(value: Any, wanted: str) -> bool:
    kinds = {str: "string", int: "integer"}
    return kinds.get(type(value), "nothing") in wanted


def at_bound(expected: str, *, upper: bool) -> int:
    """The bound that the words name: `integer from 1 to 50`, `less than or equal to 50`, `50`."""
    found = _NUMBER.findall(expected)
    if not found:
        raise StuckError
    return int(float(found[-1] if upper else found[0]))


def in_form(value: Any, expected: str) -> str:
    """A day as YYYY-MM-DD, or digits alone, where the words ask for that."""
    text = str(value).strip()
    if _ISO.search(expected):
        return _day(text).isoformat()
    if "digits" in expected or "[0-9]+$" in expected:
        digits = re.sub(r"\D", "", text)
        if digits:
            return digits
    raise StuckError


def _day(text: str) -> date:
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    raise StuckError


def nearest(value: Any, allowed: tuple[str, ...]) -> str:
    """The choice most like what was sent."""
    folded = {one.casefold(): one for one in allowed}
    match = difflib.get_close_matches(str(value).casefold(), folded, n=1, cutoff=0.6)
    if not match:
        raise StuckError
    return folded[match[0]]
