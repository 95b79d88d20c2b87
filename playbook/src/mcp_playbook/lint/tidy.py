"""A definition as a server sent it, made safe to read: known keywords have their type, depth ends.

Pure: no clock, no network, no state.
"""

from collections.abc import Mapping
from typing import Any

from mcp_shared.poison import MAX_DEPTH, TOO_DEEP

_MAPPINGS = {"properties", "$defs", "inputSchema", "outputSchema", "annotations"}
_LISTS = {"anyOf", "oneOf", "allOf", "enum", "required"}
_NUMBERS = {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}


def tidied(value: Any, depth: int = 0, *, names: bool = False) -> Any:
    """The same without what a reader would trip over; `names`: keys are names, not keywords."""
    if depth > MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, list):
        return [tidied(one, depth + 1) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {
        str(key): tidied(child, depth + 1, names=not names and key in {"properties", "$defs"})
        for key, child in value.items()
        if names or _fits(key, child)
    }


def _fits(key: Any, value: Any) -> bool:
    if key in _MAPPINGS:
        return isinstance(value, Mapping)
    if key in _LISTS:
        return isinstance(value, list)
    if key in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if key == "type":
        return isinstance(value, str) or (
            isinstance(value, list) and all(isinstance(one, str) for one in value)
        )
    return True
