"""What a mistake needs to know of an argument: its kind, choices and bounds behind `or null`.

Pure: no clock, no network, no state.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
Arguments = dict[str, Any]

DAY = "{4}-"  # in the pattern of a day


def bare(schema: Schema) -> Schema:
    """The form that is not null."""
    forms = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return forms[0] if len(forms) == 1 else schema


def properties(schema: Schema) -> Mapping[str, Schema]:
    return {name: bare(one) for name, one in (schema.get("properties") or {}).items()}


def required(schema: Schema) -> frozenset[str]:
    return frozenset(schema.get("required") or ())


def is_day(schema: Schema) -> bool:
    return DAY in str(schema.get("pattern", ""))


def is_digits(schema: Schema) -> bool:
    return schema.get("pattern") == "^[0-9]+$"
