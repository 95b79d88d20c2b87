"""Which argument or choice somebody meant who wrote another: by its letters, then by what it says.

Pure: no clock, no network, no state. A guess is only given when one answer stands out: a wrong
one leads to a call that is accepted and does something else.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = 200  # characters; what is longer is no misspelling, and a guess would take its time
ALIKE = 0.6  # of names: `limt` and `limit` are, `text` and `stage` are not
_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")

# a number may have come as text, and digits as a number
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str, list), "integer": (int, str, list), "number": (int, float, str, list),
    "boolean": (bool,), "array": (list, str, int), "object": (dict,), "null": (type(None),),
}  # fmt: skip


def argument(name: str, given: Mapping[str, Any], holder: Mapping[str, Any]) -> str | None:
    """The argument that an unknown one stands for; by its words, only of those not given."""
    if len(name) > LONGEST:
        return None
    properties: Mapping[str, Any] = holder.get("properties", {})
    free = [one for one in properties if one not in given]
    same = {_plain(one): one for one in properties}
    if _plain(name) in same:
        return same[_plain(name)]
    # `page: 1` is no misspelt `stage`, and `reason: "late"` no `region`
    fitting = [one for one in properties if _could_be(given[name], properties[one])]
    if (near := _near(name, fitting)) is not None:
        return near
    told = [one for one in free if one in fitting and _speaks_of(name, properties[one])]
    return told[0] if len(told) == 1 else None


def choice(given: str, options: list[str]) -> str | None:
    """The choice that a value stands for."""
    return _near(given, options, alike=0.5) if len(given) <= LONGEST else None


def _near(given: str, options: Iterable[str], *, alike: float = ALIKE) -> str | None:
    plain = {_plain(one): one for one in options}
    own = _plain(given)
    if own in plain:
        return plain[own]
    within = [one for one in plain if one and f" {one} " in f" {own} "]
    if len(within) == 1:
        return plain[within[0]]
    match = difflib.get_close_matches(own, plain, n=1, cutoff=alike)
    return plain[match[0]] if match else None


def _plain(text: str) -> str:
    """Words in lower case: `accountNumber`, `account-number` and `Account number` are one."""
    return " ".join(word for word in _CASE.split(text) if word).casefold()


def _could_be(value: object, schema: Any) -> bool:
    """Whether a value is of a kind, and near enough to a choice, that this argument takes."""
    if not isinstance(schema, Mapping):
        return True
    forms = schema.get("anyOf")
    if isinstance(forms, list):
        return any(_could_be(value, one) for one in forms)
    choices = schema.get("enum")
    if isinstance(choices, list):
        whole = isinstance(value, list | dict)
        return value in choices or (
            not whole and choice(str(value), list(map(str, choices))) is not None
        )
    kind = schema.get("type")
    known = _KINDS.get(kind) if isinstance(kind, str) else None
    return known is None or (
        isinstance(value, known) and isinstance(value, bool) == (known == (bool,))
    )


def _speaks_of(name: str, schema: Any) -> bool:
    words = set(_plain(name).split())
    said = _plain(_described(schema)).split()
    return bool(words) and words <= {*said, *(one.removesuffix("s") for one in said)}


def _described(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return ""
    forms = schema.get("anyOf") or ()
    return " ".join([str(schema.get("description") or ""), *map(_described, forms)])
