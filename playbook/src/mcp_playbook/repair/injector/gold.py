"""Calls that are right, made from a tool's own schema, and what a person would have said."""

from datetime import date, timedelta
from typing import Any

from mcp_playbook.repair.injector.dice import Dice
from mcp_playbook.repair.injector.schema import (
    Arguments,
    Schema,
    is_day,
    is_digits,
    properties,
    required,
)

OPTIONAL = 0.5  # of the arguments that may be left out, how many are given
_OPAQUE = {"cursor", "idempotency_key"}  # nothing a person says
_WORDS = ("northern", "furniture", "quality", "purchasing", "late", "delivery", "contract", "sent")
_FIRST = date(2026, 1, 13)


def right(schema: Schema, dice: Dice) -> Arguments:
    """Arguments that the tool takes, and that could be meant."""
    made: Arguments = {}
    for name, child in properties(schema).items():
        needed = name in required(schema)
        if needed or (name not in _OPAQUE and dice.chance(OPTIONAL)):
            made[name] = _value(child, dice)
    return made


def _value(schema: Schema, dice: Dice) -> Any:
    if choices := schema.get("enum"):
        return dice.pick(choices)
    if schema.get("type") == "integer":
        low, high = schema.get("minimum", 0), schema.get("maximum", 50)
        return low + dice.below(high - low + 1)
    if is_day(schema):
        return (_FIRST + timedelta(days=dice.below(300))).isoformat()
    if is_digits(schema):
        return str(1000 + dice.below(9000))
    if schema.get("pattern"):
        return f"once-{10_000 + dice.below(90_000)}"
    words = " ".join(dice.shuffled(_WORDS)[: 1 + dice.below(3)])
    return words.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 200)]


def said(value: Any) -> Any:
    """The same as people say it: a day with its month's name, a choice in small letters."""
    if isinstance(value, str):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return value.replace("_", " ").lower() if value.isupper() or "_" in value else value
        return f"{day.day} {day:%B %Y}"
    return value
