"""Mistakes written after the agent was frozen; none of them was looked at while it was written.

By the same hand as the agent, so they are an honest floor and no substitute for another author's.
"""

from datetime import date

from mcp_playbook.repair.injector.dice import Dice
from mcp_playbook.repair.injector.schema import (
    Arguments,
    Schema,
    is_day,
    is_digits,
    properties,
)

_NUMBERS = {1: "one", 2: "two", 3: "three", 5: "five", 10: "ten", 20: "twenty"}


def in_camel_case(
    sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice
) -> Arguments | None:
    names = [name for name in sent if "_" in name]
    if not names:
        return None
    name = dice.pick(names)
    first, *rest = name.split("_")
    camel = first + "".join(word.capitalize() for word in rest)
    return {camel if one == name else one: value for one, value in sent.items()}


def in_the_plural(
    sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice
) -> Arguments | None:
    name = dice.pick(list(sent)) if sent else ""
    return {f"{one}s" if one == name else one: v for one, v in sent.items()} if name else None


def with_a_unit(
    sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice
) -> Arguments | None:
    names = [name for name, value in sent.items() if isinstance(value, int)]
    return {**sent, (name := dice.pick(names)): f"{sent[name]} results"} if names else None


def with_a_separator(
    sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice
) -> Arguments | None:
    names = [name for name, value in sent.items() if isinstance(value, int) and value >= 1000]
    return {**sent, (name := dice.pick(names)): f"{sent[name]:,}"} if names else None


def in_words(sent: Arguments, right: Arguments, schema: Schema, dice: Dice) -> Arguments | None:
    known = properties(schema)
    names = [n for n, v in sent.items() if isinstance(v, int) and "maximum" in known.get(n, {})]
    if not names:
        return None
    name = dice.pick(names)
    bounds = range(known[name].get("minimum", 0), known[name]["maximum"] + 1)
    value = dice.pick([one for one in _NUMBERS if one in bounds] or [0])
    if value not in _NUMBERS:
        return None
    right[name] = value
    return {**sent, name: _NUMBERS[value]}


def with_its_label(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    known = properties(schema)
    names = [name for name in sent if "enum" in known.get(name, {})]
    if not names:
        return None
    name = dice.pick(names)
    return {**sent, name: f"{name}: {str(sent[name]).lower()}"}


def in_another_word(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    known = properties(schema)
    said = {
        "won": "successful", "lost": "failed", "any": "all", "last_month": "previous month",
        "EUROPE": "EMEA", "revenue": "sales", "orders": "order count", "this_year": "ytd",
        "account": "customer", "nation": "country", "supplier": "vendor", "nothing": "none",
    }  # fmt: skip
    names = [n for n in sent if "enum" in known.get(n, {}) and sent[n] in said]
    return {**sent, (name := dice.pick(names)): said[str(sent[name])]} if names else None


def with_a_time(sent: Arguments, _right: Arguments, schema: Schema, dice: Dice) -> Arguments | None:
    names = _days(sent, schema)
    return {**sent, (name := dice.pick(names)): f"{sent[name]}T00:00:00Z"} if names else None


def the_american_way(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    """09/05/2026 is two days, and whoever guesses may be accepted and wrong."""
    names = _days(sent, schema)
    if not names:
        return None
    name = dice.pick(names)
    return {**sent, name: f"{date.fromisoformat(str(sent[name])):%m/%d/%Y}"}


def in_quotes(sent: Arguments, _right: Arguments, schema: Schema, dice: Dice) -> Arguments | None:
    known = properties(schema)
    names = [n for n in sent if is_digits(known.get(n, {})) or "enum" in known.get(n, {})]
    return {**sent, (name := dice.pick(names)): f'"{sent[name]}"'} if names else None


def with_a_prefix(
    sent: Arguments, _right: Arguments, schema: Schema, dice: Dice
) -> Arguments | None:
    known = properties(schema)
    names = [name for name in sent if is_digits(known.get(name, {}))]
    return {**sent, (name := dice.pick(names)): f"deal #{sent[name]}"} if names else None


def wrapped(sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice) -> Arguments | None:
    return {dice.pick(["arguments", "params", "input"]): sent} if sent else None


def nested(sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice) -> Arguments | None:
    if len(sent) < 2:
        return None
    name = dice.pick(list(sent))
    rest = {one: value for one, value in sent.items() if one != name}
    return {**rest, "filter": {name: sent[name]}}


def swapped(sent: Arguments, _right: Arguments, _schema: Schema, dice: Dice) -> Arguments | None:
    if len(sent) < 2:
        return None
    one, other = dice.shuffled(list(sent))[:2]
    return {**sent, one: sent[other], other: sent[one]}


MISTAKES = (
    in_camel_case, in_the_plural, with_a_unit, with_a_separator, in_words, with_its_label,
    in_another_word, with_a_time, the_american_way, in_quotes, with_a_prefix, wrapped, nested,
    swapped,
)  # fmt: skip


def _days(sent: Arguments, schema: Schema) -> list[str]:
    known = properties(schema)
    found = [name for name in sent if is_day(known.get(name, {}))]
    return [name for name in found if len(str(sent[name])) == 10 and str(sent[name])[4] == "-"]
